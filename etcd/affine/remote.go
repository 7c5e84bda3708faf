package affine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/roster-go/roster/replica/move"
)

// RemotePath is the path that [Handler] serves, below which is the name of each method of
// [Contents].
const RemotePath = "/affine/v1/"

// maxRemote limits a request and an answer, in bytes, and remoteItems the items in one, before base64:
// what is more goes into several.
const (
	maxRemote   = 64 << 20
	remoteItems = 16 << 20
)

// someOf is as many of the items as go into one request, at least one.
func someOf(items []Item) int {
	size := 0
	for n, item := range items {
		if size += len(item.Key) + len(item.Value); size > remoteItems && n > 0 {
			return n
		}
	}
	return len(items)
}

// remoteCall is what one call of a [Contents] takes and gives.
type remoteCall struct {
	Namespace string     `json:"namespace,omitempty"`
	Guard     move.Guard `json:"guard"`
	After     string     `json:"after,omitempty"`
	Limit     int        `json:"limit,omitempty"`
	Items     []Item     `json:"items,omitempty"`
	Deletes   []string   `json:"deletes,omitempty"`
	Digest    Digest     `json:"digest"`
	Count     int        `json:"count,omitempty"`
	More      bool       `json:"more,omitempty"` // items than those of the answer are within the limit
	// Standby is for the standby copies instead.
	Standby bool `json:"standby,omitempty"`
	// Refused is a [*move.GuardError], and Error the text of any other one.
	Refused *move.GuardError `json:"refused,omitempty"`
	Error   string           `json:"error,omitempty"`
}

// Handler serves the contents of this region to the movers of others. Whoever reaches it may
// read and replace everything: put it behind the port on which regions prove who they are.
func Handler(contents Contents) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		method, ok := strings.CutPrefix(r.URL.Path, RemotePath)
		if !ok || r.Method != http.MethodPost {
			http.NotFound(w, r)
			return
		}
		var call remoteCall
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRemote)).Decode(&call); err != nil {
			http.Error(w, "the request is not the JSON of a call: "+err.Error(), http.StatusBadRequest)
			return
		}
		answer, err := call.serve(r.Context(), method, contents)
		switch {
		case errors.Is(err, errNoMethod):
			http.NotFound(w, r)
			return
		case err != nil && !errors.As(err, &answer.Refused):
			answer.Error = err.Error()
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answer) // who went away asks again
	})
}

var errNoMethod = errors.New("no such method")

func (c remoteCall) serve(ctx context.Context, method string, contents Contents) (answer remoteCall, err error) {
	if err := validate("namespace", c.Namespace); err != nil {
		return answer, err
	}
	if c.Standby {
		contents = contents.Standby()
	}
	switch method {
	case "raise":
		answer.Guard, err = contents.Raise(ctx, c.Namespace, c.Guard)
	case "read":
		answer.Items, err = contents.Read(ctx, c.Namespace, c.After, c.Limit)
		if some := someOf(answer.Items); some < len(answer.Items) {
			answer.Items, answer.More = answer.Items[:some], true
		}
	case "sum":
		answer.Digest, err = contents.Sum(ctx, c.Namespace)
	case "apply":
		err = contents.Apply(ctx, c.Namespace, c.Guard, c.Items, c.Deletes)
	case "clear":
		err = contents.Clear(ctx, c.Namespace, c.Guard)
	case "set-aside":
		answer.Count, err = contents.SetAside(ctx, c.Namespace, c.Guard)
	default:
		err = errNoMethod
	}
	return answer, err
}

// A remote is the contents of another region.
type remote struct {
	region  string
	post    Post
	standby bool
}

// Post sends the body of a request to a path of another region's port and returns the body of
// an answer of status 200. The caller closes it.
type Post func(ctx context.Context, path string, body []byte) (io.ReadCloser, error)

// Remote is the contents of another region, which serves them with [Handler].
func Remote(region string, post Post) Contents { return &remote{region: region, post: post} }

// Standby implements [Contents].
func (r *remote) Standby() Contents { return &remote{region: r.region, post: r.post, standby: true} }

func (r *remote) call(ctx context.Context, method string, call remoteCall) (remoteCall, error) {
	call.Standby = r.standby
	body, err := json.Marshal(call)
	if err != nil {
		return remoteCall{}, fmt.Errorf("affine: %s in region %s: %w", method, r.region, err)
	}
	response, err := r.post(ctx, RemotePath+method, body)
	if err != nil {
		return remoteCall{}, fmt.Errorf("affine: %s in region %s: %w", method, r.region, err)
	}
	defer func() { _ = response.Close() }() // all of it has been read
	var text bytes.Buffer
	if _, err := text.ReadFrom(io.LimitReader(response, maxRemote)); err != nil {
		return remoteCall{}, fmt.Errorf("affine: %s in region %s: %w", method, r.region, err)
	}
	var answer remoteCall
	if err := json.Unmarshal(text.Bytes(), &answer); err != nil {
		return remoteCall{}, fmt.Errorf("affine: %s in region %s: the answer is no answer: %w", method, r.region, err)
	}
	switch {
	case answer.Refused != nil:
		return answer, answer.Refused
	case answer.Error != "":
		return answer, fmt.Errorf("affine: %s in region %s: %s", method, r.region, answer.Error)
	}
	return answer, nil
}

// Raise implements [Contents].
func (r *remote) Raise(ctx context.Context, namespace string, to move.Guard) (move.Guard, error) {
	answer, err := r.call(ctx, "raise", remoteCall{Namespace: namespace, Guard: to})
	return answer.Guard, err
}

// Read implements [Contents].
func (r *remote) Read(ctx context.Context, namespace, after string, limit int) ([]Item, error) {
	var all []Item
	for {
		answer, err := r.call(ctx, "read", remoteCall{Namespace: namespace, After: after, Limit: limit - len(all)})
		all = append(all, answer.Items...)
		if err != nil || !answer.More || len(answer.Items) == 0 {
			return all, err
		}
		after = all[len(all)-1].Key
	}
}

// Sum implements [Contents].
func (r *remote) Sum(ctx context.Context, namespace string) (Digest, error) {
	answer, err := r.call(ctx, "sum", remoteCall{Namespace: namespace})
	return answer.Digest, err
}

// Apply implements [Contents].
func (r *remote) Apply(ctx context.Context, namespace string, guard move.Guard, puts []Item, deletes []string) error {
	for {
		some := someOf(puts)
		call := remoteCall{Namespace: namespace, Guard: guard, Items: puts[:some]}
		puts = puts[some:]
		if len(puts) == 0 {
			call.Deletes = deletes
		}
		if _, err := r.call(ctx, "apply", call); err != nil || len(puts) == 0 {
			return err
		}
	}
}

// Clear implements [Contents].
func (r *remote) Clear(ctx context.Context, namespace string, guard move.Guard) error {
	_, err := r.call(ctx, "clear", remoteCall{Namespace: namespace, Guard: guard})
	return err
}

// SetAside implements [Contents].
func (r *remote) SetAside(ctx context.Context, namespace string, guard move.Guard) (int, error) {
	answer, err := r.call(ctx, "set-aside", remoteCall{Namespace: namespace, Guard: guard})
	return answer.Count, err
}
