package daemon

import (
	"context"
	"fmt"
	"sync"

	"github.com/roster-go/roster/cmd/roster/internal/systemd"
)

// service tells the service manager how the daemon stands. A manager that does not hear is worth a line in
// the log, and no reason to stop.
type service struct {
	d        *daemon
	notifier *systemd.Notifier
}

func (d *daemon) openService() error {
	notifier, err := systemd.FromEnvironment()
	if err != nil {
		return fmt.Errorf("the service manager: %w", err)
	}
	d.service = service{d, notifier}
	return nil
}

func (s service) ready() {
	s.heard(s.notifier.Ready(fmt.Sprintf("%s serves %d capabilities", s.d.config.Host, len(s.d.host.Capabilities()))))
}

func (s service) reloading() { s.heard(s.notifier.Reloading()) }

func (s service) stopping() { s.heard(s.notifier.Stopping()) }

func (s service) heard(err error) {
	if err != nil {
		s.d.log.Warn("the service manager does not hear how this daemon stands", "error", err)
	}
}

// watch keeps the watchdog quiet for as long as those answer which every call asks.
func (s service) watch(stops *cleanup) {
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		s.heard(s.notifier.Watch(ctx, func() {
			s.d.host.Capabilities()
			s.d.view.Status()
			s.d.announcement.Status()
		}))
	})
	stops.add(func(context.Context) error { stop(); wg.Wait(); return nil })
}
