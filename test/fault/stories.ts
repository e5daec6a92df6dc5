import { databaseStories } from './stories-database.ts'
import { groupStories } from './stories-group.ts'
import { killStories } from './stories-kill.ts'
import { processStories } from './stories-process.ts'
import { replayStories } from './stories-replay.ts'
import type { Story } from './story.ts'
import { zombieStories } from './stories-zombie.ts'

/** Every fault that is a story, in the order of the matrix. */
export const stories: readonly Story[] = [
  ...killStories,
  ...zombieStories,
  ...groupStories,
  ...databaseStories,
  ...processStories,
  ...replayStories,
].toSorted((a, b) => a.number - b.number)
