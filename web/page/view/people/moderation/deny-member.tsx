import type { TargetedSubmitEvent } from "preact";
import { useRef, useState } from "preact/hooks";
import { failureOf, type Member } from "../../../../client";
import type { Moderation } from "../../../../client/moderation";
import { locale, rich, t } from "../../../i18n";
import { Dialog } from "../../controls/dialog";
import { failureText } from "../../controls/failure-text";
import type { DenialAct } from "../profile-card";
import "../../../styles/moderation.css";

interface Props {
  readonly room: string;
  readonly act: DenialAct;
  /** Null for an address, which the dialog asks for. */
  readonly member: Member | null;
  readonly moderation: Moderation;
  readonly onClose: () => void;
}

/** The longest reason, in characters. */
const maxReasonLength = 300;
/** The longest address or network, in characters. */
const maxAddressLength = 50;

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
/** How long each act may last: 0 for no end, and the first one is preselected. */
const durations = {
  mute: [hour, 10 * minute, day, 7 * day, 0],
  kick: [],
  ban: [day, hour, 7 * day, 30 * day, 0],
} as const satisfies Record<DenialAct, readonly number[]>;

const titles = { mute: "moderation.muteTitle", kick: "moderation.kickTitle", ban: "moderation.banTitle" } as const;
const effects = { mute: "moderation.muteEffect", kick: "moderation.kickEffect", ban: "moderation.banEffect" } as const;
const labels = { mute: "moderation.muteNow", kick: "moderation.kickNow", ban: "moderation.banNow" } as const;

/** Mutes, removes or bans a member, or all callers of an address, for a time and with a reason. */
export function DenyMember({ room, act, member, moderation, onClose }: Props) {
  const choices: readonly number[] = durations[act];
  const [duration, setDuration] = useState(choices[0] ?? 0);
  const [address, setAddress] = useState("");
  const [reason, setReason] = useState("");
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const isClosed = useRef(false);
  const close = () => {
    isClosed.current = true;
    onClose();
  };
  const submit = async (event: TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (isBusy) return;
    setBusy(true);
    setProblem("");
    try {
      const options = { reason: reason.trim().replace(/\s+/g, " "), ...(duration > 0 && { duration }) };
      await moderation[act](room, member ? { memberId: member.id } : { address: address.trim() }, options);
      if (!isClosed.current) close();
    } catch (failed) {
      if (isClosed.current) return;
      setBusy(false);
      setProblem(failureText(failureOf(failed)));
    }
  };
  return (
    <Dialog title={t(member ? titles[act] : "moderation.banAddressTitle")} kind="middle" onClose={close}>
      <form class="about deny-member" onSubmit={submit}>
        {member ? (
          <p class="hint">{rich(effects[act], { name: <bdi key="name">{member.name}</bdi> })}</p>
        ) : (
          <AddressField value={address} onInput={setAddress} />
        )}
        {choices.length > 0 && (
          <>
            <label for="deny-duration">{t("moderation.duration")}</label>
            <select
              id="deny-duration"
              value={duration}
              onChange={(event) => setDuration(Number(event.currentTarget.value))}
            >
              {[...choices]
                .sort((a, b) => (a || Infinity) - (b || Infinity))
                .map((ms) => (
                  <option key={ms} value={ms}>
                    {durationLabel(ms)}
                  </option>
                ))}
            </select>
          </>
        )}
        <label for="deny-reason">{t("moderation.reason")}</label>
        <input
          id="deny-reason"
          type="text"
          dir="auto"
          maxLength={maxReasonLength}
          autocomplete="off"
          value={reason}
          onInput={(event) => setReason(event.currentTarget.value)}
        />
        <p class="problem" role="alert">
          {problem}
        </p>
        <div class="buttons">
          <button type="button" class="quiet" onClick={close}>
            {t("moderation.cancel")}
          </button>
          <button type="submit" class="danger" aria-disabled={isBusy}>
            {t(labels[act])}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

interface AddressFieldProps {
  readonly value: string;
  readonly onInput: (value: string) => void;
}

function AddressField({ value, onInput }: AddressFieldProps) {
  return (
    <>
      <p id="address-effect" class="hint">
        {t("moderation.banAddressEffect")}
      </p>
      <label for="deny-address">{t("moderation.address")}</label>
      <input
        id="deny-address"
        type="text"
        dir="ltr"
        required
        maxLength={maxAddressLength}
        autocomplete="off"
        autocapitalize="none"
        spellcheck={false}
        placeholder="192.0.2.7"
        aria-describedby="address-effect"
        value={value}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
    </>
  );
}

function durationLabel(ms: number): string {
  if (ms === 0) return t("moderation.noEnd");
  const [unit, length] =
    ms >= day ? (["day", day] as const) : ms >= hour ? (["hour", hour] as const) : (["minute", minute] as const);
  return new Intl.NumberFormat(locale(), { style: "unit", unit, unitDisplay: "long" }).format(ms / length);
}
