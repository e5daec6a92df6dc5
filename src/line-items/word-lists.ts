/**
 * Closed classes of words, and the short words of English. General knowledge of the language, not of any catalogue: what a
 * vendor calls things is learned from the user's own items (`knownWords` of the matcher).
 */
const listed = (text: string): ReadonlySet<string> => new Set(text.trim().split(/\s+/))
const pairs = (text: string): ReadonlyMap<string, string> =>
  new Map(
    text
      .trim()
      .split(/\s*;\s*/)
      .flatMap((entry) => {
        const [forms = '', word = ''] = entry.split(' = ')
        return forms.split(' ').map((form): [string, string] => [form, word])
      }),
  )

/** May be there or not; nothing hangs on them. Not `with`: its opposite is in use. */
export const WEAK_WORDS = listed('of the and')

/** One form for each unit, size and count, applied to singulars. */
export const UNIT_FORMS = pairs(`
  pc pce = piece; pk pck pkt pkg = pack; dz doz = dozen; pr = pair; bx = box; btl = bottle; asst assd asstd asrtd = assorted;
  centimetre centimeter = cm; millimetre millimeter = mm; metre meter mtr = m; ltr litre liter = l; millilitre milliliter = ml;
  gr grm gram gramme = g; kilo kilogram kgm = kg; ounce = oz; pound lbs = lb; inch = in; foot feet = ft;
  sml sm = small; med md = medium; lge lrg lg = large; xlarge = xl; xsmall = xs;
  one = 1; two = 2; three = 3; four = 4; five = 5; six = 6; seven = 7; eight = 8; nine = 9; ten = 10; eleven = 11; twelve = 12;
  grey = gray; colour = color; coloured = colored`)

/** Units that may stand behind a number without a space: `12pc`, `40cm`. */
export const MEASURES = listed('piece pack set dozen pair cm mm m l ml cl g kg oz lb in ft w v watt volt')

/** Irregular plurals, and singulars that the rules would get wrong. */
export const SINGULARS = pairs(`
  children = child; men = man; women = woman; feet = foot; teeth = tooth; mice = mouse; geese = goose; knives = knife;
  wives = wife; lives = life; shelves = shelf; leaves = leaf; loaves = loaf; halves = half; calves = calf; wolves = wolf;
  scarves = scarf; hooves = hoof; elves = elf; thieves = thief; buses = bus; lenses = lens; quizzes = quiz; xmas = christmas; christmas = christmas`)

export const COLOURS = listed(`
  red blue green yellow orange purple pink black white gray grey brown cream ivory beige gold golden silver bronze copper
  turquoise teal navy aqua lilac lavender violet mauve magenta maroon burgundy crimson scarlet khaki olive lime mint peach
  coral salmon ruby emerald jade amber indigo cyan charcoal tan taupe mustard clear multicolor multicolour pastel`)

/** Sizes, counts, positions, negations, times: what tells two articles of one kind apart. */
export const DISTINGUISHING = listed(`
  small medium large mini midi maxi big little tiny giant jumbo xs xl xxl short long tall wide narrow thin thick single double
  triple twin half full round square oval rectangular rectangle triangular left right front back top bottom upper lower inner
  outer no not non without free spring summer autumn winter monday tuesday wednesday thursday friday saturday sunday
  january february march april may june july august september october november december easter christmas halloween boy girl
  man woman lady child baby adult kid`)

/** What an article is made of: its last word often, and then it means something. */
export const MATERIALS = listed(`
  wood wooden metal plastic glass paper cotton silk wool leather ceramic steel tin zinc brass refill spare replacement`)

/** What a text never ends with. */
export const DANGLING = listed('of the and with in for on to by from')

/** Short words, one letter from each other all too often. A text that has one of them means it. */
const SHORT_WORDS = listed(`
  bag kit set pack box pair piece dozen
  ah am as at be by do dr go he hi if in is it me mr mrs ms my no on or ox so to tv up us we
  ace act add age aid aim air ale all ant any ape apt arc ark arm art ash ask bad bag ban bar bat bay bed bee beg bet bib bid big
  bin bit boa bob bog boo bow box boy bra bud bug bun bus but buy bye cab can cap car cat cod cog cot cow coy cub cue cup cut dab
  dad dam day den dew die dig dim din dip doe dog dot dry dub due dug dye ear eat eel egg elf elk elm end era eve eye fab fan far
  fat fed fee few fig fin fir fit fix fly foe fog fox fry fun fur gap gas gel gem get gin god got gum gun gut guy gym had ham has
  hat hay hem hen her hew hex hid him hip his hit hog hop hot how hub hue hug hut ice ill ink inn ion ivy jam jar jaw jet jig job
  jog joy jug key kid kin kit lab lad lap law lay led leg let lid lie lip lit log lot low mad man map mat maw max may men met mid
  mix mob mop mud mug nap net new nib nil nip nod nor not now nun nut oak oar oat odd off oil old one opt orb our out owl own pad
  pal pan pat paw pay pea peg pen pep pet pew pie pig pin pip pit pod pop pot pro pub pup put rag ram ran rap rat raw ray red rib
  rid rig rim rip rob rod rot row rub rug rum run rut rye sad sag sap sat saw sax say sea see set sew she shy sin sip sir sit six
  ski sky sly sob sod son sow soy spa spy sue sum sun tab tag tan tap tar tax tea ten the tie tin tip toe tom ton top tot toy try
  tub tug two urn use van vat vet via wag war wax way web wed wet who why wig win wit yak yes yet you zap zip zoo
  able acid aged aide arch area army atom aunt away axle baby back bail bake bald bale ball balm band bang bank bare bark barn
  base bass bath bead beak beam bean bear beat beef been beer bell belt bend bent best bike bill bind bird bite blot blow blue
  blur boar boat body boil bold bolt bond bone book boom boot bore born boss both bout bowl brag bran brat brew brim brow buck
  bulb bulk bull bump bunk burn bush bust busy butt buzz cafe cage cake calf call calm came camp cane cape card care cart case
  cash cask cast cave cell chap chat chef chew chic chin chip chop cite city clad clam clan clap claw clay clip club clue coal
  coat coca cock code coil coin cola cold cone cook cool cope copy cord core cork corn cost cosy cove crab crew crib crop crow
  cube cuff cult curb cure curl cute cyan daft damp dare dark dart dash data date dawn dead deaf deal dear deck deed deep deer
  desk dial dice diet dime dine dish disk dive dock does doll dome done doom door dose dove down drag draw drip drop drum duck
  duel dues duet duke dull dumb dune dusk dust duty each earl earn ease east easy echo edge envy epic even ever evil exam exit
  face fact fade fail fair fake fall fame fang fare farm fast fate fawn fear feed feel feet fell felt fern file fill film find
  fine fire firm fish fist five flag flap flat flaw flax flea flew flip flop flow foal foam foil fold folk fond food fool foot
  fork form fort foul four free frog from fuel full fund fuse gain gala gale game gang gate gave gaze gear gift girl give glad
  glee glow glue goal goat goes gold golf gone good gown grab gram gray grew grey grid grim grin grip grow gulf guru hail hair
  half hall halo hand hang hard hare harm harp hate have hawk haze head heal heap hear heat heed heel heir held hell helm help
  hemp herb herd here hero hide high hike hill hint hire hive hold hole holy home hood hoof hook hoop hope horn hose host hour
  huge hull hump hung hunt hurt icon idea idle inch into iris iron item jade jail jazz jeep joke jump junk jute keen keep kept
  kick kids kill kiln kind king kiss kite knee knew knit knob knot know lace lack lady lake lamb lamp land lane last late lava
  lawn lead leaf leak lean leap left lens less life lift like lily limb lime line link lion list live load loaf loan lock loft
  logo lone long look loom loop lord lose lost loud love luck lump lung lure lush made maid mail main make male mall malt mane
  many mark mask mass mast mate math maze meal mean meat meet melt memo menu mere mesh mice mild mile milk mill mind mine mini
  mint miss mist mode mole moon moor more moss most moth move much mule muse must myth nail name navy near neat neck need neon
  nest news next nice nine node none noon norm nose note oath obey odds okay once only onto open oval oven over pace pack page
  paid pail pain pair pale palm pane park part pass past path pave peak pear peat peel peer pest pick pier pile pill pine pink
  pint pipe plan play plot plug plum plus poem poet pole poll polo pond pony pool poor pope pork port pose post pour pray prep
  prey prim prop pull pulp pump punk pure push quay quiz race rack raft rage raid rail rain rake ramp rang rank rare rash rate
  read real reap rear reed reef reel rely rent rest rice rich ride ring riot ripe rise risk road roam roar robe rock role roll
  roof room root rope rose rosy ruby rude ruin rule rush rust safe sage said sail sake sale salt same sand sane sang save scan
  scar seal seam seat seed seek seem seen self sell send shed ship shoe shop shot show shut sick side sift sign silk sing sink
  site size skin skip slab slap sled slim slip slot slow slug snap snow snug soak soap soar sock soda sofa soft soil sold sole
  some song soon sort soul soup sour span spin spot spun spur stab stag star stay stem step stew stir stop stud such suit sulk
  sure surf swan swap sway swim tack tail take tale talk tall tame tank tape taps task taxi teak team tear teen tell tend tent
  term test text than that them then they thin this thus tick tide tidy tier tile till tilt time tint tiny tire toad tofu told
  toll tomb tone took tool torn toss tour town trap tray tree trek trim trio trip true tube tuck tuft tuna tune turf turn tusk
  twig twin type tyre ugly unit upon urge used user vain vane vary vase vast veal veil vein vent verb very vest vice view vine
  void volt vote wade wage wail wait wake walk wall wand want ward warm warn warp wary wash wasp wave weak wear weed week well
  went were west what when whip whom wick wide wife wild will wind wine wing wink wipe wire wise wish with wolf wood wool word
  wore work worm worn wrap wren yard yarn yawn year yell yoga yolk your zero zest zinc zone zoom
  angel angle apple baker beach beard beads berry birch black blade blank blaze blend blind block bloom board boast bonus boxer
  brace braid brain brake brand brass bread break brick bride brief broad brook broom brown brush bunch bunny cabin cable camel
  candy canoe carve cedar chain chair chalk charm chart chase cheap check cheek cheer chess chest chick child chili china choir
  chord cider cigar civil claim clamp class clean clear clerk cliff climb cloak clock clone close cloth cloud clove clown coach
  coast cocoa comet comic coral couch count court cover crane crash crate crawl crazy cream creek crisp cross crowd crown crust
  curry curve cycle daisy dairy dance delta denim diary diner ditch dizzy dough dozen draft drain drama dream dress dried drill
  drink drive eagle early earth easel elbow elder empty enjoy entry equal event extra fable fairy fancy feast fence ferry fever
  fiber fibre field fifth fight flame flare flash flask fleet flesh flies float flock flood floor flora flour fluid flute focal
  focus forge forty found frame fresh frill fringe front frost fruit fudge funny ghost giant ginger glass glaze globe gloss
  glove goose grain grand grape graph grass grate grave gravy great green greet grill groom group grove guard guest guide happy
  hardy heart heavy hedge hello hinge hobby holly honey horse hotel house ideal igloo image index inlet ivory jelly jewel joint
  jolly judge juice jumbo karma kayak knife knock label large laser latch layer learn lemon level lever light lilac linen liner
  lodge loose lotus lover lower loyal lucky lunch magic maple march marsh match medal media melon merry metal meter metre micro
  mixed model money month mossy motor mould mount mouse mouth movie music nasty night ninja noble noise north novel nurse nylon
  ocean olive onion opera orbit order organ other otter ounce outer paint panda panel pansy paper party pasta paste patch peach
  pearl pedal penny perch petal photo piano piece pilot pinch pitch pivot pixel pizza place plain plane plank plant plate plaza
  point poker polka poppy porch posy pouch pound power press price pride print prism prize puppy purse quail queen quick quiet
  quill quilt quote rabbit radio rainy ranch range raven razor ready reign relax retro rhino rider ridge right rigid river roast
  robin robot rocky rodeo roman rough round route royal rugby ruler rusty salad salon sandy satin sauce scale scarf scene scent
  scoop scope score scout screw seven shade shape share shark sharp sheep sheer sheet shelf shell shine shiny shirt shock shore
  short silky silly skate skirt skull slate sleek sleep slice slide slope small smart smile smoke snack snail snake solar solid
  sound south space spade spare spark spear spice spike spine split spoon sport spray squad stack staff stage stain stair stake
  stalk stall stamp stand stare start state steak steal steam steel stick stiff still sting stock stone stool store stork storm
  story stove strap straw strip study style sugar suite sunny super sushi swamp sweet swift swing sword syrup table taste teddy
  tenth thank theme thick thing third thorn three throw thumb tiger tight timer title toast token tooth topaz torch total totem
  touch tough towel tower trace track trade trail train tread treat trend trial tribe trick trout truck trunk trust tulip tweed
  twine twirl twist uncle under union upper usual valve value vapor vault venue video vinyl viola viper virus visit vital vivid
  vocal voice wafer wagon waist watch water waver wedge whale wheat wheel white whole widow width windy witch woman woods world
  worry wound woven wreath wreck wrist yacht yeast young youth zebra`)

/** Words by themselves, whoever writes them: never a misspelling of another. */
export const isCommonWord = (word: string): boolean =>
  SHORT_WORDS.has(word) ||
  COLOURS.has(word) ||
  DISTINGUISHING.has(word) ||
  MATERIALS.has(word) ||
  WEAK_WORDS.has(word) ||
  UNIT_FORMS.has(word)
