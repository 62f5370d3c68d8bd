/** The direction of imports: cli -> index -> embedding -> gateway -> assembly -> {admin -> actors, telemetry/start} -> config -> {codecs | transports | pipelines} -> sdk -> {core, telemetry}. */
const only = (name, comment, from, to) => ({ name, severity: 'error', comment, from, to });

module.exports = {
  forbidden: [
    only('no-cycles', 'Two modules need each other: move what both need to a third one.', {}, { circular: true }),
    only(
      'core-imports-nothing',
      'core holds the words of the field and knows no other folder of ours.',
      { path: '^src/core/' },
      { path: '^src/(?!core/)' },
    ),
    only(
      'telemetry-imports-core',
      'telemetry may know the words of core, and nothing above.',
      { path: '^src/telemetry/' },
      { path: '^src/(?!core/|telemetry/)' },
    ),
    only(
      'sdk-imports-core-and-telemetry',
      'sdk is what plugins see; it stands on core and telemetry alone.',
      { path: '^src/sdk/' },
      { path: '^src/(?!core/|telemetry/|sdk/)' },
    ),
    only(
      'codecs-import-sdk',
      'A codec is a component like one of a plugin: it imports sdk/index.ts only.',
      { path: '^src/codecs/' },
      { path: '^src/(?!sdk/index\\.ts|codecs/)' },
    ),
    only(
      'components-import-sdk',
      'Sources, sinks and processors are components like those of a plugin: they import sdk/index.ts only.',
      { path: '^src/pipelines/(sources|sinks|processors)/' },
      { path: '^src/(?!sdk/index\\.ts)' },
    ),
    only(
      'pipelines-stand-alone',
      'A pipeline is handed its source and sink; it knows neither codecs nor transports.',
      { path: '^src/pipelines/' },
      { path: '^src/(?!core/|telemetry/|sdk/|pipelines/)' },
    ),
    only(
      'transports-stand-alone',
      'A transport implements a port of core; it knows neither codecs nor pipelines.',
      { path: '^src/transports/' },
      { path: '^src/(?!core/|telemetry/|sdk/|transports/)' },
    ),
    only(
      'transports-apart',
      'The transports do not know each other.',
      { path: '^src/transports/([^/]+)/' },
      { path: '^src/transports/', pathNot: '^src/transports/$1/' },
    ),
    only(
      'config-below-actors',
      'config describes; it does not run anything.',
      { path: '^src/config/' },
      { path: '^src/(actors|admin|assembly|cli|embedding|gateway|index)' },
    ),
    only(
      'actors-below-admin',
      'Actors know nothing of who watches them.',
      { path: '^src/actors/' },
      { path: '^src/(admin|assembly|cli|embedding|gateway|index|telemetry/start)' },
    ),
    only(
      'admin-below-gateway',
      'admin is handed what it shows.',
      { path: '^src/admin/' },
      { path: '^src/(assembly|cli|embedding|gateway|index)' },
    ),
    only(
      'assembly-below-gateway',
      'The assembly makes the parts; the gateway starts and stops them.',
      { path: '^src/assembly/' },
      { path: '^src/(cli|embedding|gateway\\.ts|index)' },
    ),
    only(
      'gateway-below-embedding',
      'The composition root does not know who runs it.',
      { path: '^src/gateway\\.ts' },
      { path: '^src/(cli|embedding|index)' },
    ),
    only(
      'embedding-below-cli',
      'A program that embeds a gateway has no command line of ours.',
      { path: '^src/(embedding/|index\\.ts)' },
      { path: '^src/cli/' },
    ),
    only(
      'cli-uses-the-library',
      'The command line runs gateways as any other program does.',
      { path: '^src/cli/' },
      { path: '^src/(assembly|embedding|gateway\\.ts)' },
    ),
    only(
      'xstate-in-actors',
      'Only actors have machines.',
      { path: '^src/(?!actors/)' },
      { path: 'node_modules/xstate' },
    ),
    only(
      'kafkajs-in-its-transport',
      'kafkajs stays behind the Log port.',
      { path: '^src/(?!transports/kafka/)' },
      { path: 'node_modules/kafkajs' },
    ),
    only(
      'ws-in-its-transport',
      'ws stays behind the Socket port.',
      { path: '^src/(?!transports/websocket/)' },
      { path: 'node_modules/ws/' },
    ),
    only(
      'sdk-of-opentelemetry',
      'Only telemetry/start* loads the OpenTelemetry SDK and its exporters.',
      { path: '^src/', pathNot: '^src/telemetry/(start|watched-exporter)' },
      {
        path: 'node_modules/@opentelemetry/',
        pathNot: 'node_modules/@opentelemetry/api/',
        dependencyTypesNot: ['type-only'],
      },
    ),
    only(
      'declared-packages',
      'Add the package to package.json.',
      { path: '^src/' },
      { dependencyTypes: ['npm-no-pkg', 'npm-unknown', 'npm-dev', 'unknown'] },
    ),
    only('no-unresolvable', 'The import leads nowhere.', {}, { couldNotResolve: true }),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'require', 'node', 'default', 'types'],
    },
  },
};
