package daemon

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/roster-go/roster/kill"
	"github.com/roster-go/roster/plugin"
)

func TestKilledIsForbidden(t *testing.T) {
	t.Parallel()
	killed := &plugin.KilledError{Capability: "text.stats", Target: kill.Plugin("markdown", "1.2.0"), Reason: "it leaks", By: "ada", Epoch: 3}
	w := httptest.NewRecorder()
	writeError(w, killed)
	if w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "plugin/markdown@1.2.0 is killed by ada (epoch 3): it leaks") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	w = httptest.NewRecorder()
	writeError(w, status.Error(codes.FailedPrecondition, "something else"))
	if w.Code != http.StatusBadRequest {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
