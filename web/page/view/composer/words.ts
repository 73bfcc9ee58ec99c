// The words of the composer and of the help with writing, which are loaded with them.

import english from "messages:en/composer";
import { addEnglish } from "../../i18n";

addEnglish(english);
