// What is shown on request, and loaded a while after the page.

import "../composer/words";
import "../rooms/dialog-words";
import english from "messages:en/settings";
import { addEnglish } from "../../i18n";

export { WritingHelp } from "../composer/writing-help";
export { AboutRoom } from "../rooms/about-room";
export { ProfileDialog } from "./profile-dialog";
export { SettingsDialog } from "./settings-dialog";

addEnglish(english);
