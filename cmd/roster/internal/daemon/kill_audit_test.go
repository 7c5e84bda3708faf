package daemon

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/roster-go/roster/cmd/roster/internal/access"
	"github.com/roster-go/roster/cmd/roster/internal/api"
	"github.com/roster-go/roster/kill"
)

// TestKillGoesOutWithoutTheAuditLog: a disk that takes nothing keeps nobody from a kill, and the answer says that
// it is not written down. By whom it is comes from the token.
func TestKillGoesOutWithoutTheAuditLog(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "audit")
	log, err := access.OpenLog(filepath.Join(folder, "a.jsonl"), nil)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "tokens.json")
	token, _, err := access.NewToken(path, "kim", access.Kill, time.Now(), time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	tokens, err := access.OpenTokens(path)
	if err != nil {
		t.Fatal(err)
	}
	d := routedDaemon(t)
	d.log = slog.New(slog.DiscardHandler)
	d.guard = access.NewGuard(access.Options{Table: rules, Tokens: tokens, Log: log, Logger: d.log})
	sw, err := kill.Open("")
	if err != nil {
		t.Fatal(err)
	}
	if d.control.hub, err = kill.OpenHub(sw, kill.HubOptions{Region: "eu", Canary: -1}); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = d.control.hub.Close() }()
	d.closing = make(chan struct{})
	mux := d.routes(http.NotFoundHandler())
	order := func() *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodPost, "http://localhost"+api.KillsPath,
			strings.NewReader(`{"target": "capability/a", "reason": "a test", "force": true, "by": "somebody"}`))
		r.Header.Set("Authorization", "Bearer "+token)
		w := httptest.NewRecorder()
		d.guard.Handler(mux, mux, isRPCPath).ServeHTTP(w, r)
		return w
	}
	if w := order(); w.Code != http.StatusOK || w.Header().Get(api.AuditProblemHeader) != "" {
		t.Errorf("%d, %v", w.Code, w.Header())
	}
	// The folder becomes a file, so that nothing can be written below it, whoever the test runs as.
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(folder, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w := order()
	if w.Code != http.StatusOK || !strings.Contains(w.Header().Get(api.AuditProblemHeader), "the audit log cannot be written") {
		t.Errorf("%d, %v", w.Code, w.Header())
	}
	killed, ok := sw.Killed(kill.Capability("a"))
	if !ok || killed.Epoch != 2 || killed.By != "kim" {
		t.Errorf("%+v, %v", killed, ok)
	}
}
