import { deciderHandler, Dispatch } from '#libs/commands/decider-handler.js';
import { chatDecider, type ChatCommand, type ChatState } from './chat.decider.js';
import { chatStream, type ChatEvent } from './chat.events.js';

/** Token of the chats' states in memory. */
export const CHAT_STATES = 'CHAT_STATES';

/** The shape of a stored chat state; a change of ChatState changes it. */
export const CHAT_STATE_SHAPE = 'chat/1';

/** A command on its way to one chat. */
export class DispatchChat extends Dispatch<ChatCommand, ChatState, ChatEvent> {}

export const ChatHandler = deciderHandler<ChatState, ChatCommand, ChatEvent>(DispatchChat, {
  stream: chatStream,
  decider: chatDecider,
  states: CHAT_STATES,
});
