import type { Story } from './story.ts'
import { killStories } from './stories-kill.ts'

/** Every fault that is a story, in the order of the matrix. */
export const stories: readonly Story[] = [...killStories].toSorted((a, b) => a.number - b.number)
