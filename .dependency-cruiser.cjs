// Imports go one way: cli → app → http → {source, sink, dead-letters} → {pipeline, line-items, kafka, telemetry} → lib.
const only = (name, from, allowed) => ({
  name,
  severity: 'error',
  from: { path: `^src/${from}` },
  to: { path: '^src/', pathNot: `^src/(${allowed.join('|')})` },
})

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-orphans', severity: 'error', from: { orphan: true, path: '^src/', pathNot: '^src/main.ts$' }, to: {} },
    only('pipeline-knows-no-vendor', 'pipeline/', ['pipeline/', 'telemetry/events.ts', 'lib/']),
    only('line-items-is-pure', 'line-items/', ['line-items/', 'lib/', 'pipeline/source-record.ts']),
    only('source-direction', 'source/', ['source/', 'pipeline/', 'line-items/', 'kafka/', 'telemetry/', 'lib/']),
    only('sink-direction', 'sink/', [
      'sink/',
      'pipeline/',
      'line-items/',
      'dead-letters/',
      'telemetry/',
      'lib/',
      'generated/',
    ]),
    only('dead-letters-direction', 'dead-letters/', [
      'dead-letters/',
      'pipeline/',
      'line-items/',
      'kafka/',
      'telemetry/',
      'lib/',
    ]),
    only('kafka-direction', 'kafka/', ['kafka/', 'telemetry/', 'lib/', 'config.ts']),
    only('telemetry-direction', 'telemetry/', ['telemetry/', 'lib/']),
    only('lib-is-a-leaf', 'lib/', ['lib/']),
    only('publish-direction', 'publish/', ['publish/', 'line-items/', 'kafka/', 'lib/']),
    {
      name: 'one-folder-knows-kafkajs',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(kafka|source)/' },
      to: { path: 'node_modules/kafkajs' },
    },
    {
      name: 'one-folder-knows-sql',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(sink|generated|local-stack)/' },
      to: { path: 'node_modules/(@prisma|pg)/|^src/generated/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^src/generated/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'default', 'types'] },
  },
}
