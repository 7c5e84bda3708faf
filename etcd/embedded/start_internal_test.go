package embedded

import (
	"errors"
	"fmt"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// A full disk is not damaged data, and its owner must not be told to restore a backup.
func TestStartErrorTellsAFullDisk(t *testing.T) {
	logged := func(cause error) (reason any) {
		defer func() { reason = recover() }()
		log := zap.New(zapcore.NewNopCore(), zap.WithPanicHook(fatalHook{}))
		log.Panic("failed to create WAL", zap.Error(cause))
		return nil
	}
	err := startError("/data", logged(fmt.Errorf("write: %w", syscall.ENOSPC)))
	var dir *DirError
	if !errors.As(err, &dir) || !strings.Contains(err.Error(), "failed to create WAL: write: no space left on device; free about 200 MB") {
		t.Errorf("a full disk: %v", err)
	}
	var data *DataError
	if err := startError("/data", logged(errors.New("checksum mismatch"))); !errors.As(err, &data) {
		t.Errorf("damaged data: %v", err)
	}
	if err := startError("/data", "a panic of etcd's own"); !errors.As(err, &data) {
		t.Errorf("a panic: %v", err)
	}
}
