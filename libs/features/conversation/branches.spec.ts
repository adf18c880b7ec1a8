import fc from 'fast-check';
import {
  hiddenBy,
  leadsOver,
  NOTHING_SHOWN,
  tipAt,
  tipOf,
  type Branch,
  type Tip,
  type Tree,
} from './branches.js';

const taskId = 'task';
/** A message as the model has it: what was taken over, then the task's own, in two ranges of numbers. */
const sourceSeq = (index: number): number => 100 + index;

/** The same operations on plain lists of messages: the model that the tree must agree with. */
class Model {
  readonly inherited: readonly string[];
  shown: readonly string[];
  readonly branches: (readonly string[])[] = [];
  tree: Tree;

  constructor(inherited: number) {
    this.inherited = Array.from({ length: inherited }, (_, index) => `source/${sourceSeq(index)}`);
    this.shown = this.inherited;
    const after = inherited === 0 ? null : { taskId: 'source', seq: sourceSeq(inherited - 1) };
    this.tree = {
      taskId,
      seq: 0,
      branches: [{ from: 1, after, kept: inherited, previous: null, undoable: false }],
    };
  }

  record(): void {
    this.tree = { ...this.tree, seq: this.tree.seq + 1 };
    this.shown = [...this.shown, `${taskId}/${this.tree.seq}`];
  }

  /** Shows the first so many messages of what some branch shows. */
  goTo(branch: number, keep: number): void {
    this.branches.push(this.shown);
    const all = this.branches[branch]!;
    const target = all.slice(0, Math.min(keep, all.length));
    const tip = this.#tipOf(target);
    expect(hiddenBy(this.tree, this.#now(), tip)).toBe(
      this.shown.filter((one) => !target.includes(one)).length,
    );
    expect(leadsOver(this.tree, this.#now(), tip)).toBe(
      target.every((one, index) => this.shown[index] === one),
    );
    const begun: Branch = {
      from: this.tree.seq + 1,
      after: tip.last,
      kept: tip.count,
      previous: this.tree.branches.length - 1,
      undoable: true,
    };
    this.tree = { ...this.tree, branches: [...this.tree.branches, begun] };
    this.shown = target;
  }

  check(): void {
    [...this.branches, this.shown].forEach((shown, branch) => {
      expect(tipOf(this.tree, branch)).toEqual(this.#tipOf(shown));
    });
  }

  #now(): Tip {
    return tipOf(this.tree, this.tree.branches.length - 1);
  }

  #tipOf(messages: readonly string[]): Tip {
    const last = messages.at(-1);
    if (last === undefined) return NOTHING_SHOWN;
    const [task, seq] = last.split('/');
    return tipAt(this.tree, { taskId: task!, seq: Number(seq) }, messages.length);
  }
}

describe("a conversation's tree", () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('record' as const), count: fc.integer({ min: 1, max: 4 }) }),
    fc.record({ kind: fc.constant('go' as const), branch: fc.nat({ max: 20 }), keep: fc.nat({ max: 30 }) }),
  );

  it.each([0, 5])(
    'agrees with plain lists under any run of messages and rewinds (%d taken over)',
    (inherited) => {
      fc.assert(
        fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
          const model = new Model(inherited);
          for (const one of steps) {
            if (one.kind === 'record') for (let n = 0; n < one.count; n += 1) model.record();
            else model.goTo(one.branch % (model.branches.length + 1), one.keep);
          }
          model.check();
        }),
        { numRuns: 300 },
      );
    },
  );

  it('is as small after a thousand rewinds as they are many', () => {
    const model = new Model(0);
    for (let n = 0; n < 1000; n += 1) {
      model.record();
      model.record();
      model.goTo(n, model.shown.length - 1);
    }
    expect(model.shown).toHaveLength(1000);
    expect(JSON.stringify(model.tree.branches).length / 1000).toBeLessThan(120);
  });
});
