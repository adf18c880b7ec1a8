const project = (displayName, testMatch) => ({
  displayName,
  testMatch,
  testEnvironment: 'node',
  testEnvironmentOptions: { customExportConditions: ['source', 'node', 'node-addons'] },
  extensionsToTreatAsEsm: ['.ts'],
  testPathIgnorePatterns: ['/node_modules/', '/dist/', '/test/bench/'],
  modulePathIgnorePatterns: ['/dist/'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        swcrc: false,
        jsc: {
          target: 'es2023',
          parser: { syntax: 'typescript', decorators: true },
          transform: { legacyDecorator: true, decoratorMetadata: true, useDefineForClassFields: false },
        },
        module: { type: 'es6' },
      },
    ],
  },
});

export default {
  // Nothing here tests speed; a busy machine must not look like a defect.
  testTimeout: 120_000,
  projects: [
    project('unit', ['<rootDir>/{libs,apps}/**/!(*.int|*.e2e).spec.ts']),
    {
      ...project('integration', ['<rootDir>/{libs,apps,test/history}/**/*.int.spec.ts']),
      globalSetup: '<rootDir>/libs/testing/postgres.global.mjs',
      globalTeardown: '<rootDir>/libs/testing/postgres.global.teardown.mjs',
    },
    {
      ...project('e2e', ['<rootDir>/test/{e2e,faults}/**/*.e2e.spec.ts']),
      globalSetup: '<rootDir>/libs/testing/postgres.global.mjs',
      globalTeardown: '<rootDir>/libs/testing/postgres.global.teardown.mjs',
    },
  ],
};
