package reference

// Fault is what a client is made to do wrong.
type Fault string

// The faults.
const (
	CursorBeforeHandling Fault = "cursor-before-handling" // keeps the cursor before the event is handled
	NewIDAtRetry         Fault = "new-id-at-retry"        // repeats a send under another id
	IgnoresReset         Fault = "ignores-reset"          // does not tell the application, and keeps its cursor
	IgnoresDraining      Fault = "ignores-draining"       // reconnects when the stream ends
	NoBackOff            Fault = "no-back-off"            // reconnects at once, again and again
	NoJitter             Fault = "no-jitter"              // pauses are not random
	TrustsClock          Fault = "trusts-clock"           // compares times of the server with its own
	FailsOnUnknown       Fault = "fails-on-unknown"       // ends a stream with a frame or an event that it does not know
	AppliesDuplicates    Fault = "applies-duplicates"     // applies what it has seen
	IgnoresGaps          Fault = "ignores-gaps"           // does not compare previous with the last sequence
	CountsSequences      Fault = "counts-sequences"       // takes the next event to be missing if its sequence is not the last plus one
	StartsLive           Fault = "starts-live"            // does not resume
	IgnoresSilence       Fault = "ignores-silence"        // does not notice missing heartbeats
	IgnoresRetryInfo     Fault = "ignores-retry-info"     // retries before the server wants it
	EphemeralCursor      Fault = "ephemeral-cursor"       // takes the sequence 0 of an ephemeral event for its cursor
	SharedCursor         Fault = "shared-cursor"          // has one cursor for all rooms
	StreamPerRoom        Fault = "stream-per-room"        // opens a stream for each room
	RoundsSequences      Fault = "rounds-sequences"       // has sequences of 53 bits
	SendsConcurrently    Fault = "sends-concurrently"     // does not wait for the answer before the next send
	RepeatsRefused       Fault = "repeats-refused"        // repeats sends that are refused for good
	GivesUpSends         Fault = "gives-up-sends"         // reports that a send failed when its answer is lost
	IgnoresExpiring      Fault = "ignores-expiring"       // does not renew its token
	KeepsToken           Fault = "keeps-token"            // never asks the application for another token
	HidesRefusal         Fault = "hides-refusal"          // does not say that its token is refused, and tries on
	ImpatientStart       Fault = "impatient-start"        // gives a stream up that does not begin within a second
	JoinsLive            Fault = "joins-live"             // forgets its cursors when it joins a room
)

// Faults returns all faults.
func Faults() []Fault {
	return []Fault{
		CursorBeforeHandling, NewIDAtRetry, IgnoresReset, IgnoresDraining, NoBackOff, NoJitter, TrustsClock, FailsOnUnknown,
		AppliesDuplicates, IgnoresGaps, CountsSequences, StartsLive, IgnoresSilence, IgnoresRetryInfo, EphemeralCursor,
		SharedCursor, StreamPerRoom, RoundsSequences, SendsConcurrently, RepeatsRefused, GivesUpSends, IgnoresExpiring,
		KeepsToken, HidesRefusal, ImpatientStart, JoinsLive,
	}
}
