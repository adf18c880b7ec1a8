import { startTestApp } from '#libs/testing/app.js';
import { historyStory } from './history.story.js';

historyStory('Postgres', () => startTestApp());
