package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/roster-go/roster/plugin/sdk"
)

// A deed is something that a plugin should not do.
type deed struct {
	Path    string `json:"path"`
	Network string `json:"network"`
	Address string `json:"address"`
	PID     int    `json:"pid"`
	MiB     int    `json:"mib"`
	Count   int    `json:"count"`
}

// did makes a function of a deed: that it is refused is an answer, not an error.
func did(f func(deed) (string, error)) func(context.Context, deed) (string, error) {
	return func(_ context.Context, d deed) (string, error) {
		done, err := f(d)
		if err != nil {
			done = "refused: " + err.Error()
			return done, nil //nolint:nilerr // see above
		}
		return "done: " + done, nil
	}
}

// wild is a plugin that does what it is told to, and tells how that went.
func wild() { //nolint:gocognit // a list of small functions
	sdk.Serve(sdk.Plugin{Name: "wild", Version: "1.0.0"},
		sdk.Func("wild.read", did(func(d deed) (string, error) {
			text, err := os.ReadFile(d.Path)
			return strconv.Itoa(len(text)), err
		})),
		sdk.Func("wild.write", did(func(d deed) (string, error) { return d.Path, os.WriteFile(d.Path, make([]byte, d.MiB<<20), 0o600) })),
		sdk.Func("wild.temp", did(func(deed) (string, error) {
			f, err := os.CreateTemp("", "x")
			if err != nil {
				return "", err
			}
			return filepath.Dir(f.Name()), f.Close()
		})),
		sdk.Func("wild.dial", did(func(d deed) (string, error) {
			c, err := net.DialTimeout(d.Network, d.Address, 2*time.Second)
			if err != nil {
				return "", err
			}
			return c.RemoteAddr().String(), c.Close()
		})),
		sdk.Func("wild.listen", did(func(d deed) (string, error) {
			l, err := net.Listen(d.Network, d.Address)
			if err != nil {
				return "", err
			}
			return l.Addr().String(), l.Close()
		})),
		sdk.Func("wild.kill", did(func(d deed) (string, error) { return "", syscall.Kill(d.PID, syscall.SIGKILL) })),
		sdk.Func("wild.trace", did(func(d deed) (string, error) { return "", syscall.PtraceAttach(d.PID) })),
		sdk.Func("wild.run", did(func(d deed) (string, error) {
			out, err := exec.Command("/bin/sh", "-c", d.Path).CombinedOutput()
			if err != nil {
				return "", fmt.Errorf("%w: %s", err, out)
			}
			return string(out), nil
		})),
		sdk.Func("wild.who", did(func(deed) (string, error) {
			status, err := os.ReadFile("/proc/self/status")
			var found []string
			for line := range strings.Lines(string(status)) {
				for _, key := range []string{"Uid:", "Groups:", "NoNewPrivs:", "Seccomp:", "NSpid:"} {
					if strings.HasPrefix(line, key) {
						found = append(found, strings.Join(strings.Fields(line), " "))
					}
				}
			}
			return strings.Join(found, "; "), err
		})),
		sdk.Func("wild.eat", did(func(d deed) (string, error) {
			var eaten [][]byte
			for range d.MiB {
				chunk := make([]byte, 1<<20)
				for i := 0; i < len(chunk); i += 4096 {
					chunk[i] = 1
				}
				eaten = append(eaten, chunk)
			}
			return strconv.Itoa(len(eaten)), nil
		})),
		sdk.Func("wild.fork", did(func(d deed) (string, error) {
			for i := range d.Count {
				child := exec.Command("sleep", "3600")
				child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
				if err := child.Start(); err != nil {
					return "", fmt.Errorf("after %d: %w", i, err)
				}
			}
			return strconv.Itoa(d.Count), nil
		})),
		sdk.Func("wild.open", did(func(d deed) (string, error) {
			for i := range d.Count {
				if _, err := syscall.Open("/dev/null", syscall.O_RDONLY, 0); err != nil {
					return "", fmt.Errorf("after %d: %w", i, err)
				}
			}
			return strconv.Itoa(d.Count), nil
		})),
		sdk.Func("wild.spin", did(func(d deed) (string, error) {
			n := 0
			for end := time.Now().Add(time.Duration(d.Count) * time.Millisecond); time.Now().Before(end); {
				n++
			}
			return strconv.Itoa(n), nil
		})),
		sdk.OnShutdown(func(context.Context) error { return errors.New("never") }),
	)
}
