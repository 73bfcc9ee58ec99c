// The keys of the messages, from the English files: "controls.close".

import type composer from "../messages/en/composer.json";
import type controls from "../messages/en/controls.json";
import type failure from "../messages/en/failure.json";
import type log from "../messages/en/log.json";
import type moderation from "../messages/en/moderation.json";
import type notice from "../messages/en/notice.json";
import type people from "../messages/en/people.json";
import type roomDialogs from "../messages/en/room-dialogs.json";
import type rooms from "../messages/en/rooms.json";
import type settings from "../messages/en/settings.json";
import type shell from "../messages/en/shell.json";
import type text from "../messages/en/text.json";

interface Areas {
  readonly composer: typeof composer;
  readonly controls: typeof controls;
  readonly failure: typeof failure;
  readonly log: typeof log;
  readonly moderation: typeof moderation;
  readonly notice: typeof notice;
  readonly people: typeof people;
  readonly "room-dialogs": typeof roomDialogs;
  readonly rooms: typeof rooms;
  readonly settings: typeof settings;
  readonly shell: typeof shell;
  readonly text: typeof text;
}

export type MessageKey = { [A in keyof Areas]: `${A}.${Extract<keyof Areas[A], string>}` }[keyof Areas];
