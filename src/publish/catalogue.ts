/** One thing a made-up vendor sells. */
export type CatalogueItem = { readonly sku: string; readonly description: string; readonly cents: number }

const STYLES = ['VINTAGE', 'RUSTIC', 'RETRO', 'NORDIC', 'FLORAL', 'STRIPED', 'SPOTTY', 'GINGHAM', 'ANTIQUE', 'MODERN']
const MATERIALS = [
  'GLASS',
  'WOODEN',
  'ENAMEL',
  'CERAMIC',
  'COTTON',
  'ZINC',
  'WICKER',
  'PAPER',
  'SILVER',
  'CAFÉ AU LAIT',
]
const THINGS = [
  'LANTERN', 'TEA TOWEL', 'CAKE STAND', 'PHOTO FRAME 10x15', 'MUG', 'T-LIGHT HOLDER', 'DOORMAT', 'LUNCH BOX', 'JAM JAR SET/3',
  'COAT HOOK', 'BREAD BIN', 'WALL CLOCK', 'PENCIL CASE', 'NAPKINS, PACK OF 20', 'PLANT POT', 'HEART DECORATION', 'EGG CUP', 'BUNTING 5M',
] // prettier-ignore

/** 1,800 items: every description is its own, also when case and spacing are ignored. Skus look like 20417B. */
export const createCatalogue = (): readonly CatalogueItem[] =>
  THINGS.flatMap((thing, t) =>
    MATERIALS.flatMap((material, m) =>
      STYLES.map((style, s) => {
        const place = (t * MATERIALS.length + m) * STYLES.length + s
        const letter = place % 3 === 0 ? 'ABCDEFGHKL'[s] : ''
        return {
          sku: `${20_000 + place * 7}${letter}`,
          description: `${style} ${material} ${thing}`,
          cents: 29 + ((place * 137) % 1_470),
        }
      }),
    ),
  )
