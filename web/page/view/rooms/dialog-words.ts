// The words of the dialogs of rooms and of their shortcuts, which are loaded with the dialogs.

import english from "messages:en/room-dialogs";
import { addEnglish } from "../../i18n";

addEnglish(english);
