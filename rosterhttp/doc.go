// Package rosterhttp connects registries with net/http.
//
// A request that resolves several names, one after another, must not see one of
// them before a reload and the next one after it. [Pin] is middleware that pins
// the current version of hot registries where a request enters and lets them go
// when its handler returns:
//
//	handler = rosterhttp.Pin(handler, backends, limits)
//
// A handler resolves from what the request carries:
//
//	backend, err := backends.From(r.Context()).Lookup(name)
//
// # Concurrency properties
//
// All functions are safe for concurrent use. A pin lives until its handler
// returns: a goroutine that the handler starts and does not wait for finds
// nothing in it afterwards, and Lookup says why. It pins for itself instead.
package rosterhttp
