// Who may import whom. docs/adr and the README's house plan say why.
const features = '^libs/features/([^/]+)/';

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: { pathNot: '^libs/features/' }, to: { circular: true } },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'kernel-imports-nothing',
      severity: 'error',
      from: { path: '^libs/kernel/' },
      to: { pathNot: '^libs/kernel/' },
    },
    {
      name: 'decider-is-pure',
      comment: 'Rules know facts and other rules; no clock, no Nest, no I/O.',
      severity: 'error',
      from: { path: `${features}([^/]+\\.(events|decider|state)|branches)\\.ts$` },
      to: {
        pathNot: [
          '^libs/kernel/',
          '^libs/features/[^/]+/[^/]+\\.(events|decider|state)\\.ts$',
          '^libs/features/conversation/branches\\.ts$',
        ],
      },
    },
    {
      name: 'features-meet-in-few-places',
      comment:
        "Another feature's facts, queries and what they answer, commands and guards; for conversations also how a page of one is read.",
      severity: 'error',
      from: { path: features },
      to: {
        path: '^libs/features/[^/]+/',
        pathNot: [
          '^libs/features/$1/',
          '\\.(events|queries|view|decider|state|commands|guard|module|process|dto)\\.ts$',
          '^libs/features/conversation/',
        ],
      },
    },
    {
      name: 'http-is-the-outermost-lib',
      comment: 'Who calls, what goes wrong and where the log stands is said without HTTP, in the kernel.',
      severity: 'error',
      from: { path: '^libs/', pathNot: ['^libs/(http|features|testing)/', '\\.spec\\.ts$'] },
      to: { path: '^libs/http/' },
    },
    {
      name: 'libs-never-import-apps',
      severity: 'error',
      from: { path: '^libs/(?!testing/)' },
      to: { path: '^apps/' },
    },
    {
      name: 'only-testing-imports-testing',
      severity: 'error',
      from: { pathNot: ['^libs/testing/', '\\.spec\\.ts$', '^test/'] },
      to: { path: '^libs/testing/' },
    },
    {
      name: 'only-its-adapter-knows-eventstoredb',
      severity: 'error',
      from: { pathNot: ['^libs/event-store/eventstoredb/', '^libs/testing/'] },
      to: { path: 'node_modules/(@eventstore|@grpc|google-protobuf)/' },
    },
    {
      name: 'only-its-folders-know-pg',
      severity: 'error',
      from: {
        pathNot: ['^libs/database/', '^libs/event-store/postgres/', '^libs/testing/', '\\.spec\\.ts$'],
      },
      to: { path: 'node_modules/pg/' },
    },
    {
      name: 'only-these-start-processes',
      severity: 'error',
      from: { path: '^libs/', pathNot: ['^libs/(git|agents|database|processes|testing)/', '\\.spec\\.ts$'] },
      to: { path: '^(node:)?child_process$' },
    },
    {
      name: 'clients-speak-http-only',
      severity: 'error',
      from: { path: '^apps/(cli|web|daemon)/' },
      to: { path: '^libs/', pathNot: '^libs/(client|kernel|git|agents|processes|testing)/' },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|test/bench)/' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['source', 'import', 'node', 'default'],
    },
  },
};
