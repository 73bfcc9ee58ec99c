package systemd

import (
	"context"
	"log/slog"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// Manager is told the state of the process, as with sd_notify. A nil Manager is told nothing,
// and neither is one whose process was not started by systemd with Type=notify.
type Manager struct {
	log      *slog.Logger
	watchdog time.Duration // zero without
}

// NewManager returns the manager that the environment names.
func NewManager(log *slog.Logger) *Manager {
	m := &Manager{log: log}
	interval, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		log.Warn("systemd's watchdog is not served", "err", err)
	}
	m.watchdog = interval
	return m
}

// Ready tells that the service serves.
func (m *Manager) Ready(status string) { m.tell(daemon.SdNotifyReady + "\nSTATUS=" + status) }

// Stopping tells that the service has begun to stop.
func (m *Manager) Stopping(status string) { m.tell(daemon.SdNotifyStopping + "\nSTATUS=" + status) }

// Status tells what the service is doing, for systemctl status.
func (m *Manager) Status(text string) { m.tell("STATUS=" + text) }

func (m *Manager) tell(state string) {
	if m == nil {
		return
	}
	if _, err := daemon.SdNotify(false, state); err != nil {
		m.log.Warn("systemd was not told the state", "state", state, "err", err)
	}
}

// Watch tells systemd that the process lives, twice in each interval of its watchdog, until ctx
// ends. Before each time it calls alive, which must return soon: systemd restarts a process that
// is silent.
func (m *Manager) Watch(ctx context.Context, alive func()) {
	if m == nil || m.watchdog <= 0 {
		return
	}
	again := time.NewTicker(m.watchdog / 2)
	defer again.Stop()
	for {
		alive()
		m.tell(daemon.SdNotifyWatchdog)
		select {
		case <-again.C:
		case <-ctx.Done():
			return
		}
	}
}
