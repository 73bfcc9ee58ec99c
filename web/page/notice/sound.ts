// The sound of a notice: two soft tones, made by the browser, so that no file is loaded.

const tones = [880, 1_174.66]; // A5 and D6, in Hz
const length = 0.12; // seconds, of each tone
const volume = 0.08; // of 1

let audio: AudioContext | null = null;

/**
 * Plays the sound. Browsers allow it after the user has clicked or typed in the page;
 * before that, nothing is heard.
 */
export function playSound(): void {
  audio ??= new AudioContext();
  if (audio.state === "suspended") void audio.resume();
  const start = audio.currentTime;
  tones.forEach((frequency, i) => {
    if (!audio) return;
    const oscillator = new OscillatorNode(audio, { frequency, type: "sine" });
    const gain = new GainNode(audio, { gain: 0 });
    const from = start + i * length;
    gain.gain.setValueAtTime(0, from);
    gain.gain.linearRampToValueAtTime(volume, from + 0.01);
    gain.gain.exponentialRampToValueAtTime(0.0001, from + length);
    oscillator.connect(gain).connect(audio.destination);
    oscillator.start(from);
    oscillator.stop(from + length);
  });
}
