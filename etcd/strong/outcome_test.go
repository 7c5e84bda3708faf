package strong_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/roster-go/roster/replica/strong"
)

// TestWhatWasNotSentIsNotInDoubt writes to an address where nobody listens.
func TestWhatWasNotSentIsNotInDoubt(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	store := strong.New(engine(t, address, "")) // it does not run, so no question goes first
	_, err = store.Put(t.Context(), "key", []byte("value"))
	none, ok := errors.AsType[*strong.NoQuorumError](err)
	if !ok || len(none.Asked) != 1 || !strings.Contains(none.Asked[0], address) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := store.Delete(ctx, "key"); !isA[*strong.NoQuorumError](err) {
		t.Errorf("a short context: %v", err)
	}
}

// TestRefusedIsNotInDoubt writes what etcd refuses.
func TestRefusedIsNotInDoubt(t *testing.T) {
	store := strong.New(engine(t, serve(t), ""))
	_, err := store.Put(t.Context(), "key", make([]byte, 3<<20))
	if err == nil || isA[*strong.InDoubtError](err) || isA[*strong.NoQuorumError](err) {
		t.Errorf("got %v", err)
	}
	if _, found, err := store.Get(t.Context(), "key"); found || err != nil {
		t.Errorf("it is there: %v, %v", found, err)
	}
}

func isA[E error](err error) bool {
	_, ok := errors.AsType[E](err)
	return ok
}
