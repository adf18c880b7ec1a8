// Stream `projection-<name>-<owner>`: what people of an owner did to a projection by hand. Starts with the first such deed; never ends.

export type AdminEvent =
  | {
      readonly type: 'ProjectionEventSkipped';
      readonly data: {
        readonly projection: string;
        /** The event that had stopped it. */
        readonly eventId: string;
        /** Where it went on from (exclusive). */
        readonly position: string;
        readonly reason: string | null;
      };
    }
  | {
      readonly type: 'ProjectionEventRetried';
      readonly data: {
        readonly projection: string;
        /** The event that had stopped it. */
        readonly eventId: string;
        /** Where it went on from (exclusive). */
        readonly position: string;
        readonly reason: string | null;
      };
    }
  | {
      readonly type: 'ProjectionRebuilt';
      readonly data: { readonly projection: string; readonly version: number };
    };

export const projectionStream = (name: string): string => `projection-${name}`;
