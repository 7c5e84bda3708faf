package rosterhttp

import (
	"net/http"

	"github.com/roster-go/roster"
)

// Pin returns a handler that pins the current version of each registry, calls
// next with a request whose context carries the pins, and releases them when
// next returns or panics. In a report of stuck pins ([roster.StuckError]) such a
// pin is named by its request's method and path and by the place that called
// Pin.
func Pin(next http.Handler, registries ...roster.Pinner) http.Handler {
	here := roster.NewOwner(1)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		owner := here.For(r.Method + " " + r.URL.Path)
		pins := make([]func(), 0, len(registries))
		defer func() {
			for _, release := range pins {
				release()
			}
		}()
		ctx := r.Context()
		for _, registry := range registries {
			pinned, release := registry.PinContext(ctx, owner)
			ctx, pins = pinned, append(pins, release) //nolint:fatcontext // each registry adds its pin
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}
