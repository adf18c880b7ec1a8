import {
  GivesId,
  GivesInstant,
  GivesList,
  GivesOneOf,
  GivesPosition,
  GivesSomeOf,
  GivesText,
} from '#libs/http/answer-fields.js';
import { IsId, IsInstant, IsName, IsOneOf } from '#libs/http/fields.js';
import { IsCursor, IsLimit } from '#libs/http/shared-fields.js';
import { IsSomeOf } from '#libs/http/structured-fields.js';
import type { CallerKind } from '#libs/kernel/caller.js';
import { ALL_SCOPES, KEY_KINDS } from './scopes.js';

const CONTRACT = '0190a0b0-1c2d-7e3f-8a4b-5c6d7e8f9a0b';

/** What a new key shall be. */
export class NewKey {
  @IsOneOf(KEY_KINDS, {
    description:
      '`user`: a person’s key. `tool`: a supervisor’s, bound to one contract. `auditor`: reads the log. `daemon` and `admin`: created by admins only.',
    example: 'tool',
  })
  kind!: CallerKind;

  @IsName({
    description: 'For people: what the key is for. One line of 1 to 200 characters.',
    example: 'supervisor of the login work',
  })
  name!: string;

  @IsSomeOf(ALL_SCOPES, {
    description: 'What the key may do: scopes that your own key holds. Without it the kind’s default ones.',
    example: ['history:read'],
    optional: true,
  })
  scopes?: string[];

  @IsId({
    description: 'For tool keys: the contract that the key reaches, one of your own. Not for other kinds.',
    example: CONTRACT,
    optional: true,
  })
  contractId?: string;

  @IsInstant({
    description: 'When the key stops working (ISO 8601 with a zone). Without it never.',
    example: '2030-01-01T00:00:00Z',
    optional: true,
  })
  expiresAt?: Date;
}

/** A key without its secret. */
export class KeyView {
  @GivesText('Public id of the key: 16 hex digits.', { example: '0123456789abcdef' })
  id!: string;

  @GivesOneOf(KEY_KINDS, 'Who uses it.')
  kind!: CallerKind;

  @GivesText('What it is for.')
  name!: string;

  @GivesSomeOf(ALL_SCOPES, 'What it may do.')
  scopes!: string[];

  @GivesId('The contract that a tool key reaches; else null.', { nullable: true })
  contractId!: string | null;

  @GivesInstant('When it was created (ISO 8601, UTC).')
  createdAt!: string;

  @GivesInstant('When it stops working; null: never.', { nullable: true })
  expiresAt!: string | null;

  @GivesInstant('When it was revoked; null: it was not.', { nullable: true })
  revokedAt!: string | null;

  @GivesInstant('When it was last used, to the minute; null: never.', { nullable: true })
  lastUsedAt!: string | null;
}

/** A new key, with the one showing of its token. */
export class CreatedKey extends KeyView {
  @GivesText('The key itself, for `Authorization: Bearer`. It is stored nowhere and shown only now.', {
    example: 'mk_tool_<id>_<secret>_<crc>',
  })
  token!: string;

  @GivesPosition('Position of the event, for `minPosition`.')
  position!: string;
}

export class KeyPageQuery {
  @IsLimit('Keys', 500)
  limit = 100;

  @IsCursor()
  cursor?: string;
}

export class KeyPage {
  @GivesList(() => KeyView, 'Newest first, revoked ones too.')
  keys!: KeyView[];

  @GivesText('For the next page; null: there is none.', { nullable: true })
  cursor!: string | null;
}

export class Whoami {
  @GivesId('The owner whose data this request sees.')
  ownerId!: string;

  @GivesOneOf(KEY_KINDS, 'What kind of key it is.')
  kind!: CallerKind;

  @GivesText('Public id of the key.')
  keyId!: string;

  @GivesSomeOf(ALL_SCOPES, 'What it may do.')
  scopes!: string[];

  @GivesId('The contract that it is bound to; else null.', { nullable: true })
  contractId!: string | null;
}

export class NewOwner {
  @IsName({
    description: 'A name that no other owner has. One line of 1 to 200 characters.',
    example: 'research',
  })
  name!: string;
}

export class OwnerView {
  @GivesId('Id of the owner, for the header X-Makima-Owner.')
  id!: string;

  @GivesText('Its name.')
  name!: string;

  @GivesInstant('When it was created (ISO 8601, UTC).')
  createdAt!: string;
}

export class CreatedOwner extends OwnerView {
  @GivesPosition('Position of the event, for `minPosition`.')
  position!: string;
}

export class OwnerPageQuery {
  @IsLimit('Owners', 500)
  limit = 100;

  @IsCursor()
  cursor?: string;
}

export class OwnerPage {
  @GivesList(() => OwnerView, 'By name.')
  owners!: OwnerView[];

  @GivesText('For the next page; null: there is none.', { nullable: true })
  cursor!: string | null;
}
