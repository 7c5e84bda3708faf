// Package systemd tells the service manager how the process stands, by the protocol of sd_notify(3):
// a datagram of settings to the socket that $NOTIFY_SOCKET names.
//
// # Concurrency properties
//
// A Notifier is safe for concurrent use. Watch owns no goroutine; it runs in its caller's.
package systemd

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"
)

// The variables by which systemd says that it listens, and how often it wants to hear something.
const (
	socketVariable   = "NOTIFY_SOCKET"
	intervalVariable = "WATCHDOG_USEC"
	processVariable  = "WATCHDOG_PID"
)

// A Notifier speaks to the service manager. The zero value has none and says nothing.
type Notifier struct {
	socket   string
	interval time.Duration // of the watchdog; 0 for none
}

// FromEnvironment finds the service manager, and takes what it said out of the environment, so that no
// process that is started from here speaks for this one. Without one it returns a Notifier that is silent.
func FromEnvironment() (*Notifier, error) {
	n := &Notifier{socket: os.Getenv(socketVariable)}
	interval, process := os.Getenv(intervalVariable), os.Getenv(processVariable)
	for _, variable := range []string{socketVariable, intervalVariable, processVariable} {
		if err := os.Unsetenv(variable); err != nil {
			return nil, fmt.Errorf("systemd: %w", err)
		}
	}
	if n.socket == "" || interval == "" || process != "" && process != strconv.Itoa(os.Getpid()) {
		return n, nil
	}
	microseconds, err := strconv.ParseInt(interval, 10, 64)
	if err != nil || microseconds <= 0 {
		return nil, fmt.Errorf("systemd: %s is %q, not a number of microseconds; unset it, or correct what starts this process", intervalVariable, interval)
	}
	n.interval = time.Duration(microseconds) * time.Microsecond
	return n, nil
}

// Ready says that the process serves, and how it stands in a line for people.
func (n *Notifier) Ready(status string) error { return n.send("READY=1\nSTATUS=" + status) }

// Reloading says that the process reads its config again; Ready ends that.
func (n *Notifier) Reloading() error { return n.send("RELOADING=1") }

// Stopping says that the process is about to end.
func (n *Notifier) Stopping() error { return n.send("STOPPING=1") }

// Watch says that the process lives, twice as often as the service manager wants, until ctx ends. Each
// time it asks lives first, which is to return when all that matters has answered: while it does not
// return nothing is said, and the service manager restarts the process. It returns at once if nobody
// wants to hear.
func (n *Notifier) Watch(ctx context.Context, lives func()) error {
	if n.interval == 0 {
		return nil
	}
	tick := time.NewTicker(n.interval / 2) //nolint:mnd // what sd_watchdog_enabled(3) advises
	defer tick.Stop()
	for {
		lives()
		if err := n.send("WATCHDOG=1"); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// send sends settings, one in a line.
func (n *Notifier) send(settings string) error {
	if n.socket == "" {
		return nil
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: n.socket, Net: "unixgram"}) // @ is for an abstract one
	if err != nil {
		return fmt.Errorf("systemd: %w", err)
	}
	_, err = conn.Write([]byte(settings))
	if closing := conn.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return fmt.Errorf("systemd: %w", err)
	}
	return nil
}
