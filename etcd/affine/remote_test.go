package affine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/roster-go/roster/etcd/affine"
	"github.com/roster-go/roster/replica/move"
)

// post is how one region reaches the handler of another in a test.
func post(url string) affine.Post {
	return func(ctx context.Context, path string, body []byte) (io.ReadCloser, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+path, bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return nil, err
		}
		if res.StatusCode != http.StatusOK {
			_ = res.Body.Close()
			return nil, errors.New(res.Status)
		}
		return res.Body, nil
	}
}

// A namespace moves between regions that reach each other over HTTP alone, and a guard that does
// not hold is the same error as at home.
func TestMoveOverHTTP(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "eu", "us")
	contents := make(map[string]affine.Contents)
	for name, r := range w.regions {
		server := httptest.NewServer(affine.Handler(r.Contents()))
		t.Cleanup(server.Close)
		contents[name] = affine.Remote(name, post(server.URL))
	}
	w.create("orders", "eu")
	const items = 250
	for n := range items {
		_, err := w.regions["eu"].Namespace("orders").Put(t.Context(), fmt.Sprintf("k%d", n), []byte(strings.Repeat("x", n)))
		must(t, err)
	}
	mover := affine.NewMover(w.dir, func(name string) (affine.Contents, error) { return contents[name], nil })
	report, err := mover.Move(t.Context(), "orders", "us")
	must(t, err)
	if report.Contents.Items != items || report.Record.Home != "us" {
		t.Errorf("the move: %+v", report)
	}
	w.eventually("the new home takes writes", func() bool {
		_, err := w.regions["us"].Namespace("orders").Put(t.Context(), "k0", []byte("after"))
		return err == nil
	})

	refused := new(move.GuardError)
	err = contents["us"].Clear(t.Context(), "orders", move.Guard{Epoch: 1, Mode: move.Open})
	if !errors.As(err, &refused) || refused.Stands.Epoch <= 1 {
		t.Errorf("clearing under an old guard: %v", err)
	}
	if _, err := contents["us"].Sum(t.Context(), "a/b"); err == nil || !strings.Contains(err.Error(), "slash") {
		t.Errorf("a malformed namespace: %v", err)
	}
	server := httptest.NewServer(affine.Handler(w.regions["eu"].Contents()))
	t.Cleanup(server.Close)
	url := server.URL
	for path, body := range map[string]string{"nonsense": `{"namespace":"a"}`, "sum": "{", "raise": ""} {
		if _, err := post(url)(t.Context(), affine.RemotePath+path, []byte(body)); err == nil {
			t.Errorf("%s with %q: no error", path, body)
		}
	}
}

// A namespace of values as large as they may be moves as well.
func TestMoveLargeOverHTTP(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "eu", "us")
	contents := make(map[string]affine.Contents)
	for name, r := range w.regions {
		server := httptest.NewServer(affine.Handler(r.Contents()))
		t.Cleanup(server.Close)
		contents[name] = affine.Remote(name, post(server.URL))
	}
	w.create("orders", "eu")
	const items = 110 // 73 MiB in base64
	for n := range items {
		_, err := w.regions["eu"].Namespace("orders").Put(t.Context(), fmt.Sprintf("k%d", n), bytes.Repeat([]byte("x"), affine.MaxValue))
		must(t, err)
	}
	mover := affine.NewMover(w.dir, func(name string) (affine.Contents, error) { return contents[name], nil })
	report, err := mover.Move(t.Context(), "orders", "us")
	must(t, err)
	if report.Contents.Items != items || report.Record.Home != "us" {
		t.Errorf("the move: %+v", report)
	}
}
