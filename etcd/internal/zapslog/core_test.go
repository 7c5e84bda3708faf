package zapslog_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"go.uber.org/zap"

	"github.com/roster-go/roster/etcd/internal/zapslog"
)

func TestLevelsAndFields(t *testing.T) {
	var output bytes.Buffer
	log := zapslog.New(slog.New(slog.NewTextHandler(&output, &slog.HandlerOptions{Level: slog.LevelDebug})))
	log.With(zap.String("member", "a")).Info("started", zap.Int("port", 1))
	log.Warn("slow")
	log.Error("failed", zap.Error(errors.New("disk")))
	lines := strings.Split(strings.TrimSpace(output.String()), "\n")
	for i, want := range []string{
		`level=DEBUG msg="etcd: started" member=a port=1`,
		`level=DEBUG msg="etcd: slow"`,
		`level=WARN msg="etcd: failed" error=disk`,
	} {
		if i >= len(lines) || !strings.HasSuffix(lines[i], want) {
			t.Errorf("line %d of %q does not end with %s", i, lines, want)
		}
	}
}

func TestQuietBelowTheLevelOfTheHandler(t *testing.T) {
	var output bytes.Buffer
	log := zapslog.New(slog.New(slog.NewTextHandler(&output, nil)))
	log.Info("started")
	log.Warn("slow")
	if output.Len() > 0 {
		t.Errorf("logged %s", output.String())
	}
}

func TestFatalPanicsInsteadOfExiting(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	zapslog.New(nil).Fatal("damaged")
}
