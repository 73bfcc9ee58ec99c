// The icons of the page, all of the Lucide family. Each is imported alone: the package's
// index would make the bundler read two thousand files.

import aLargeSmall from "lucide/dist/esm/icons/a-large-small.mjs";
import arrowDown from "lucide/dist/esm/icons/arrow-down.mjs";
import arrowLeft from "lucide/dist/esm/icons/arrow-left.mjs";
import atSign from "lucide/dist/esm/icons/at-sign.mjs";
import bellOff from "lucide/dist/esm/icons/bell-off.mjs";
import check from "lucide/dist/esm/icons/check.mjs";
import circleAlert from "lucide/dist/esm/icons/circle-alert.mjs";
import circleQuestionMark from "lucide/dist/esm/icons/circle-question-mark.mjs";
import clock from "lucide/dist/esm/icons/clock.mjs";
import cloudAlert from "lucide/dist/esm/icons/cloud-alert.mjs";
import copy from "lucide/dist/esm/icons/copy.mjs";
import ellipsis from "lucide/dist/esm/icons/ellipsis.mjs";
import faceSlightlySmiling from "lucide/dist/esm/icons/face-slightly-smiling.mjs";
import hash from "lucide/dist/esm/icons/hash.mjs";
import info from "lucide/dist/esm/icons/info.mjs";
import link from "lucide/dist/esm/icons/link.mjs";
import lock from "lucide/dist/esm/icons/lock.mjs";
import logIn from "lucide/dist/esm/icons/log-in.mjs";
import logOut from "lucide/dist/esm/icons/log-out.mjs";
import menu from "lucide/dist/esm/icons/menu.mjs";
import pencil from "lucide/dist/esm/icons/pencil.mjs";
import plus from "lucide/dist/esm/icons/plus.mjs";
import reply from "lucide/dist/esm/icons/reply.mjs";
import rotateCw from "lucide/dist/esm/icons/rotate-cw.mjs";
import search from "lucide/dist/esm/icons/search.mjs";
import sendHorizontal from "lucide/dist/esm/icons/send-horizontal.mjs";
import settings from "lucide/dist/esm/icons/settings.mjs";
import shieldBan from "lucide/dist/esm/icons/shield-ban.mjs";
import trash from "lucide/dist/esm/icons/trash.mjs";
import triangleAlert from "lucide/dist/esm/icons/triangle-alert.mjs";
import userRound from "lucide/dist/esm/icons/user-round.mjs";
import usersRound from "lucide/dist/esm/icons/users-round.mjs";
import wifiOff from "lucide/dist/esm/icons/wifi-off.mjs";
import x from "lucide/dist/esm/icons/x.mjs";
import { createElement } from "preact";

const icons = {
  add: plus,
  back: arrowLeft,
  ban: shieldBan,
  check,
  down: arrowDown,
  close: x,
  copy,
  edit: pencil,
  failed: circleAlert,
  format: aLargeSmall,
  help: circleQuestionMark,
  info,
  leave: logOut,
  link,
  lock,
  mention: atSign,
  more: ellipsis,
  muted: bellOff,
  offline: wifiOff,
  people: usersRound,
  reply,
  retry: rotateCw,
  room: hash,
  rooms: menu,
  search,
  send: sendHorizontal,
  settings,
  signIn: logIn,
  signOut: logOut,
  smile: faceSlightlySmiling,
  trash,
  unanswered: cloudAlert,
  user: userRound,
  waiting: clock,
  warning: triangleAlert,
} as const;

export type IconName = keyof typeof icons;

/** A decorative icon: the control that it is part of has a label. */
export function Icon({ name, size = 18 }: { name: IconName; size?: number }) {
  return (
    <svg class="icon" data-icon={name} viewBox="0 0 24 24" width={size} height={size} aria-hidden="true">
      {icons[name].map(([tag, attributes], i) => createElement(tag, { ...attributes, key: i }))}
    </svg>
  );
}
