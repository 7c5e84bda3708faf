package daemon

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/roster-go/roster/cmd/roster/internal/drill"
	"github.com/roster-go/roster/etcd/affine"
	"github.com/roster-go/roster/replica/move"
)

// What is asked of a namespace and cannot be done is no reason to try again.
func TestNamespaceErrorsThatStay(t *testing.T) {
	t.Parallel()
	for _, err := range []error{&move.StateError{Verb: "move"}, &move.RegionError{Region: "mars"}, &affine.HomeAliveError{}} {
		if got := status.Code(namespaceError(fmt.Errorf("it is: %w", err))); got != codes.FailedPrecondition {
			t.Errorf("%T: %v", err, got)
		}
	}
}

// A region that plays dead does not let other regions take its namespaces away, or look at them.
func TestNamespacesOfTheDead(t *testing.T) {
	t.Parallel()
	region, err := affine.NewRegion("eu", nil, nil, affine.Options{})
	if err != nil {
		t.Fatal(err)
	}
	d := &daemon{namespaces: &namespaces{region: region}}
	p := &playing{order: drill.Order{ID: "1", By: "us"}, until: time.Now().Add(time.Minute)}
	p.refusing.Store(true)
	d.drilling.playing.Store(p)
	answer := httptest.NewRecorder()
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, affine.RemotePath+"sum", strings.NewReader(`{"namespace":"orders"}`))
	d.forRegions().ServeHTTP(answer, request)
	if text, _ := io.ReadAll(answer.Body); answer.Code != http.StatusServiceUnavailable || !strings.Contains(string(text), "plays dead") {
		t.Errorf("%d: %s", answer.Code, text)
	}
}
