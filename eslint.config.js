import js from '@eslint/js'
import tseslint from 'typescript-eslint'

const ambientTime = [
  { object: 'Date', property: 'now', message: 'Time is an argument: take `now` or a Clock (lib/clock.ts).' },
  { object: 'Math', property: 'random', message: 'Chance is an argument: take `random`.' },
]

export default tseslint.config(
  { ignores: ['dist/', 'src/generated/', 'node_modules/', '.test-results/'] },
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/require-await': 'off',
      'max-lines': ['error', { max: 200, skipBlankLines: true, skipComments: true }],
      eqeqeq: 'error',
    },
  },
  {
    // The pure parts: no ambient time, no chance, no timers, no process.
    files: [
      'src/pipeline/**/*.ts',
      'src/line-items/**/*.ts',
      'src/source/**/*.ts',
      'src/sink/**/*.ts',
      'src/dead-letters/**/*.ts',
    ],
    rules: {
      'no-restricted-properties': ['error', ...ambientTime],
      'no-restricted-globals': ['error', 'setTimeout', 'setInterval', 'process'],
    },
  },
  {
    files: ['src/**/*.ts'],
    ignores: ['src/config.ts', 'src/main.ts', 'src/cli/**', 'src/local-stack/**'],
    rules: {
      'no-restricted-properties': [
        'error',
        ...ambientTime,
        { object: 'process', property: 'env', message: 'Only config.ts reads the environment.' },
      ],
    },
  },
  { files: ['src/lib/**/*.ts'], rules: { 'no-restricted-properties': 'off', 'no-restricted-globals': 'off' } },
  {
    files: ['test/**/*.ts', 'bench/**/*.ts'],
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      'max-lines': 'off',
    },
  },
  {
    // One list, as the documents made of it are.
    files: ['src/config-variables.ts'],
    rules: { 'max-lines': 'off' },
  },
  {
    // The dashboard: plain files for the browser, whose types `check:types` holds (src/http/dashboard/tsconfig.json).
    files: ['src/http/dashboard/**/*.js'],
    languageOptions: {
      globals: Object.fromEntries(
        [
          'document',
          'window',
          'location',
          'sessionStorage',
          'fetch',
          'matchMedia',
          'getComputedStyle',
          'ResizeObserver',
        ]
          .concat(['Node', 'AbortController', 'AbortSignal', 'URLSearchParams', 'FormData', 'Intl'])
          .concat(['setTimeout', 'clearTimeout', 'setInterval'])
          .map((name) => [name, 'readonly']),
      ),
    },
    rules: { eqeqeq: 'error', 'max-lines': ['error', { max: 200, skipBlankLines: true, skipComments: true }] },
  },
  {
    files: ['**/*.js', '**/*.cjs'],
    languageOptions: {
      globals: { process: 'readonly', console: 'readonly', URL: 'readonly', fetch: 'readonly', module: 'readonly' },
    },
  },
)
