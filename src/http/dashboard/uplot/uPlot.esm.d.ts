// The file itself is served from the package; see ../../static.ts.
export { default } from 'uplot'
