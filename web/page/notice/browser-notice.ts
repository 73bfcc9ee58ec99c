// Notifications of the browser. They need a secure context, and the user's permission.

import { t } from "../i18n";
import type { Arrival } from "./notice";

/** Whether the user has allowed notifications, has forbidden them, or was not asked; null if there are none. */
export function noticePermission(): NotificationPermission | null {
  return "Notification" in window && isSecureContext ? Notification.permission : null;
}

/** Asks the user. Browsers only ask in answer to a click. */
export async function askPermission(): Promise<NotificationPermission | null> {
  if (noticePermission() === null) return null;
  return await Notification.requestPermission();
}

/**
 * Shows a notification. A click shows the message. Several tabs that show the same message
 * replace each other's notification, as they have one tag.
 */
export async function showNotice(arrival: Arrival, onClick: () => void): Promise<void> {
  if (noticePermission() !== "granted") return;
  const title = t("notice.title", { sender: arrival.sender || t("people.anonymous"), room: arrival.title });
  const options = { body: arrival.text.slice(0, maxBody), tag: `${arrival.room}/${arrival.sequence}`, silent: true };
  try {
    const notification = new Notification(title, options);
    notification.onclick = () => {
      window.focus();
      notification.close();
      onClick();
    };
  } catch {
    // Chromium on Android shows only those of a service worker, which opens data.url.
    const url = new URL(`r/${options.tag}`, document.baseURI).href;
    const registration = await navigator.serviceWorker?.getRegistration();
    await registration?.showNotification(title, { ...options, data: { url } });
  }
}

/** How much of a message a notification shows, in UTF-16 units. */
const maxBody = 200;
