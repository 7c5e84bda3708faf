//go:build !unix

package plugin

import (
	"log/slog"
	"os"
)

func newFolder() (dir string, lock *os.File, err error) {
	dir, err = os.MkdirTemp("", "roster")
	return dir, nil, err //nolint:wrapcheck // the caller says what it is for
}

func clearLeftovers(*slog.Logger) {}

func noteProcess(string, int) {}

func forgetProcess(string, int) {}
