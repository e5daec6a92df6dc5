/** One thing a made-up vendor sells. */
export type CatalogueItem = { readonly sku: string; readonly description: string; readonly cents: number }

const STYLES = ['VINTAGE', 'RUSTIC', 'NORDIC', 'FLORAL', 'GINGHAM']
const MATERIALS = ['GLASS', 'WOODEN', 'ENAMEL', 'COTTON', 'ZINC', 'CAFÉ AU LAIT']
const THINGS = [
  'LANTERN', 'TEA TOWEL', 'CAKE STAND', 'PHOTO FRAME 10x15', 'MUG', 'T-LIGHT HOLDER', 'DOORMAT', 'LUNCH BOX', 'JAM JAR SET/3',
  'COAT HOOK', 'BREAD BIN', 'WALL CLOCK', 'PENCIL CASE', 'NAPKINS, PACK OF 20', 'PLANT POT', 'HEART DECORATION', 'EGG CUP', 'BUNTING 5M',
] // prettier-ignore

/**
 * 540 items: every description is its own, also when case and spacing are ignored. Skus look like 20417B. With 8 users a line of 50
 * of the first 200,000 names an item that is new, about as in the retail file (3,514 stock codes in 209,029 lines).
 */
export const createCatalogue = (): readonly CatalogueItem[] =>
  THINGS.flatMap((thing, t) =>
    MATERIALS.flatMap((material, m) =>
      STYLES.map((style, s) => {
        const place = (t * MATERIALS.length + m) * STYLES.length + s
        const letter = place % 3 === 0 ? 'ABCDE'[s] : ''
        return {
          sku: `${20_000 + place * 7}${letter}`,
          description: `${style} ${material} ${thing}`,
          cents: 29 + ((place * 137) % 1_470),
        }
      }),
    ),
  )
