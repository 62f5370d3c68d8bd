/**
 * The direction of imports: each folder may import those of the levels in front of it, and none beside or behind it. A feature implements
 * the port that an actor declares, never the other way round.
 */
const LEVELS = [
  ['core'],
  ['telemetry'],
  ['sdk'],
  ['codecs', 'transports', 'tables', 'pipelines'],
  ['actors'],
  ['presence'],
  ['rooms', 'topics', 'channels', 'feeds', 'auth'],
  ['config'],
  ['admin'],
  ['connect'],
  ['gateway'],
  ['library', 'testing'],
  ['cli'],
];

/** What a folder is for, where an import that is refused is not explained by the levels alone. */
const WHY = {
  core: 'core holds the words of the field and knows no other folder of ours.',
  sdk: 'sdk is what plugins see; it stands on core and telemetry alone.',
  transports: 'A transport implements a port of core; it knows neither codecs nor pipelines.',
  pipelines: 'A pipeline is handed its source and sink; it knows neither codecs nor transports.',
  auth: 'auth implements a port of core; it knows neither endpoints nor the ports of operators.',
  tables: 'A table is followed and written through the ports of core; it knows no feature.',
  actors: 'An actor declares the port that it needs; it knows no feature and nothing of who watches it.',
  config: 'config describes; it does not run anything.',
  admin: 'admin is handed what it shows.',
  gateway: 'The composition root does not know who runs it.',
  library: 'A program that embeds a gateway has no command line of ours.',
  testing: 'What tests a configuration or a plugin runs gateways without ports; it has no command line of ours.',
};

const only = (name, comment, from, to) => ({ name, severity: 'error', comment, from, to });

const order = LEVELS.flatMap((folders, level) =>
  folders.map((folder) => {
    const allowed = [...LEVELS.slice(0, level).flat(), folder].join('|');
    const comment = WHY[folder] ?? 'Imports go in one direction; move what both need to a folder in front of both.';
    return only(
      `order-${folder}`,
      comment,
      { path: `^src/${folder}/` },
      { path: '^src/', pathNot: `^src/(${allowed})/|^src/(version|index)\\.ts$` },
    );
  }),
);

module.exports = {
  forbidden: [
    only('no-cycles', 'Two modules need each other: move what both need to a third one.', {}, { circular: true }),
    {
      name: 'no-cycles-of-folders',
      severity: 'error',
      scope: 'folder',
      comment: 'Two folders need each other: they are one idea, or a port is missing between them.',
      from: {},
      to: { circular: true },
    },
    ...order,
    only(
      'codecs-import-sdk',
      'A codec is a component like one of a plugin: it imports sdk/index.ts only.',
      { path: '^src/codecs/' },
      { path: '^src/(?!sdk/index\\.ts|codecs/)' },
    ),
    only(
      'components-import-sdk',
      'Sources, sinks and processors are components like those of a plugin: they import sdk/index.ts, formats and their own folder only.',
      { path: '^src/pipelines/(sources|sinks|processors)/' },
      { path: '^src/', pathNot: '^src/(sdk/index\\.ts|pipelines/(formats|$1)/)' },
    ),
    only(
      'formats-stand-alone',
      'A format makes bytes of values and values of bytes; it knows nothing of pipelines.',
      { path: '^src/pipelines/formats/' },
      { path: '^src/pipelines/(?!formats/)' },
    ),
    only(
      'feeds-use-ports',
      'The source and the sink of feeds use the ports that a plugin has: they import sdk/index.ts and their own folder only.',
      { path: '^src/feeds/([a-z]+-component|settings/[a-z-]+)\\.ts$' },
      { path: '^src/(?!sdk/index\\.ts|feeds/)' },
    ),
    only(
      'transports-apart',
      'The transports do not know each other.',
      { path: '^src/transports/([^/]+)/' },
      { path: '^src/transports/[^/]+/', pathNot: '^src/transports/$1/' },
    ),
    only(
      'telemetry-is-started-once',
      'The composition root starts telemetry; all others are handed it.',
      { path: '^src/(?!gateway/|telemetry/)' },
      { path: '^src/telemetry/start', dependencyTypesNot: ['type-only'] },
    ),
    only(
      'index-is-for-programs',
      'index.ts is what a program imports; the command line runs gateways as any other program does.',
      { path: '^src/(?!cli/)' },
      { path: '^src/index\\.ts$' },
    ),
    only(
      'cli-uses-the-library',
      'The command line runs gateways as any other program does.',
      { path: '^src/cli/' },
      { path: '^src/gateway/' },
    ),
    only(
      'xstate-in-machines',
      'Machines are in files called machine.ts, and the classes beside them run them.',
      { path: '^src/(?!(actors|presence|feeds|connect|gateway)/)' },
      { path: 'node_modules/xstate' },
    ),
    only(
      'kafkajs-in-its-transport',
      'kafkajs stays behind the Log port.',
      { path: '^src/(?!transports/kafka/)' },
      { path: 'node_modules/kafkajs' },
    ),
    only(
      'jose-in-auth',
      'jose stays behind the Authenticator port.',
      { path: '^src/(?!auth/)' },
      { path: 'node_modules/jose/' },
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
