import { useEffect, useState } from "preact/hooks";
import { failureOf } from "../../../../client";
import type { AuditRecord, Denial, Moderation, ModerationPage, Subject } from "../../../../client/moderation";
import { locale, rich, t } from "../../../i18n";
import { Dialog } from "../../controls/dialog";
import { failureText } from "../../controls/failure-text";
import { shortId } from "../profile-card";
import "../../../styles/moderation.css";

interface Props {
  readonly room: string;
  readonly moderation: Moderation;
  /** The names of members by id, as far as they are known. */
  readonly names: ReadonlyMap<string, string>;
  /** Asks for an address to ban. */
  readonly onBanAddress: () => void;
  readonly onClose: () => void;
}

/** The bans and mutes of a room, which can be ended, and what moderators have done. */
export function ModerationLog({ room, moderation, names, onBanAddress, onClose }: Props) {
  const denials = usePages((token) => moderation.listDenials(room, token));
  const audit = usePages((token) => moderation.listAudit(room, token));
  const [problem, setProblem] = useState("");
  const nameOf = (subject: Subject) =>
    "address" in subject ? subject.address : (names.get(subject.memberId) ?? shortId(subject.memberId));
  const end = async ({ effect, subject }: Denial) => {
    setProblem("");
    try {
      await (effect === "mute" ? moderation.unmute(room, subject) : moderation.unban(room, subject));
      denials.reload();
      audit.reload();
    } catch (reason) {
      setProblem(failureText(failureOf(reason)));
    }
  };
  return (
    <Dialog title={t("people.moderation")} kind="middle" onClose={onClose}>
      <div class="moderation">
        <h3>{t("moderation.denials")}</h3>
        {denials.items?.length === 0 && <p class="hint">{t("moderation.noDenials")}</p>}
        <ul>
          {denials.items?.map((denial) => (
            <li key={`${denial.effect} ${JSON.stringify(denial.subject)}`}>
              <div>
                <p>
                  {rich(denial.effect === "mute" ? "moderation.isMuted" : "moderation.isBanned", {
                    name: <bdi key="name">{nameOf(denial.subject)}</bdi>,
                  })}
                </p>
                <p class="hint">{[untilLabel(denial.until), denial.reason].filter(Boolean).join(" · ")}</p>
              </div>
              <button type="button" class="outlined small" onClick={() => void end(denial)}>
                {denial.effect === "mute" ? t("moderation.unmute") : t("moderation.unban")}
              </button>
            </li>
          ))}
        </ul>
        <More pages={denials} />
        <button type="button" class="outlined small to-ban-address" onClick={onBanAddress}>
          {t("moderation.banAddress")}
        </button>
        <p class="problem" role="alert">
          {problem}
        </p>
        <h3>{t("moderation.audit")}</h3>
        {audit.items?.length === 0 && <p class="hint">{t("moderation.noAudit")}</p>}
        <ul>
          {audit.items?.map((record, i) => (
            <li key={i}>
              <AuditLine record={record} nameOf={nameOf} />
            </li>
          ))}
        </ul>
        <More pages={audit} />
      </div>
    </Dialog>
  );
}

const acts = {
  mute: "moderation.didMute",
  unmute: "moderation.didUnmute",
  kick: "moderation.didKick",
  ban: "moderation.didBan",
  unban: "moderation.didUnban",
  deletion: "moderation.didDelete",
  other: "moderation.didOther",
} as const;

interface AuditLineProps {
  readonly record: AuditRecord;
  readonly nameOf: (subject: Subject) => string;
}

function AuditLine({ record, nameOf }: AuditLineProps) {
  const { time, action, moderatorId, subject, reason } = record;
  const who = <bdi key="who">{nameOf({ memberId: moderatorId })}</bdi>;
  const name = <bdi key="name">{subject ? nameOf(subject) : ""}</bdi>;
  return (
    <div>
      <p>{rich(acts[action], { who, name })}</p>
      <p class="hint">{[timeLabel(time), reason].filter(Boolean).join(" · ")}</p>
    </div>
  );
}

function timeLabel(time: number): string {
  return new Intl.DateTimeFormat(locale(), { dateStyle: "medium", timeStyle: "short" }).format(time);
}

function untilLabel(until: number): string {
  return until === 0 ? t("moderation.noEnd") : t("moderation.until", { time: timeLabel(until) });
}

interface Pages<T> {
  /** Null before the first page. */
  readonly items: readonly T[] | null;
  readonly hasMore: boolean;
  readonly problem: string;
  readonly loadMore: () => void;
  readonly reload: () => void;
}

/** Reads a list page by page. */
function usePages<T>(read: (token: string) => Promise<ModerationPage<T>>): Pages<T> {
  const [items, setItems] = useState<readonly T[] | null>(null);
  const [token, setToken] = useState("");
  const [problem, setProblem] = useState("");
  const load = (from: string, before: readonly T[]) => {
    setProblem("");
    read(from).then(
      (page) => {
        setItems([...before, ...page.items]);
        setToken(page.nextToken);
      },
      (reason: unknown) => setProblem(failureText(failureOf(reason))),
    );
  };
  useEffect(() => load("", []), []);
  return {
    items,
    hasMore: token !== "",
    problem,
    loadMore: () => load(token, items ?? []),
    reload: () => load("", []),
  };
}

function More({ pages }: { readonly pages: Pages<unknown> }) {
  const { items, hasMore, problem, loadMore } = pages;
  return (
    <>
      {items === null && problem === "" && <p class="hint">{t("people.loading")}</p>}
      {problem !== "" && <p class="problem">{problem}</p>}
      {(hasMore || problem !== "") && (
        <button type="button" class="quiet small" onClick={loadMore}>
          {problem ? t("moderation.tryAgain") : t("moderation.showMore")}
        </button>
      )}
    </>
  );
}
