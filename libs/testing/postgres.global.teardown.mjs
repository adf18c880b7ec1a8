// Jest's global teardown: see postgres.global.mjs.
export { stopPostgres as default } from './postgres.global.mjs';
