package affine

import (
	"log/slog"
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/roster-go/roster/replica/strong"
)

// Options adjust a [Region]. The zero value is a good choice.
type Options struct {
	// Prefix stands before every key in the region's own store. A missing slash at its end
	// is added.
	Prefix string
	// Logger is told what the warden does. Nil is silent.
	Logger *slog.Logger
}

// A Region is one region as a process in it sees it: its own store, and the strong store that
// says which namespaces are at home here. It is safe for concurrent use.
type Region struct {
	name  string
	store *strong.Store
	local *local
	log   *slog.Logger
}

// NewRegion returns a region over a client of the region's own etcd, which stays the caller's to
// close, and the strong store, which the caller runs.
func NewRegion(name string, client *clientv3.Client, store *strong.Store, opts Options) (*Region, error) {
	if err := validate("region", name); err != nil {
		return nil, err
	}
	if opts.Prefix != "" && !strings.HasSuffix(opts.Prefix, "/") {
		opts.Prefix += "/"
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	return &Region{name: name, store: store, local: &local{client: client, prefix: opts.Prefix}, log: opts.Logger}, nil
}

// Contents is the region's own store as moves use it.
func (r *Region) Contents() Contents { return r.local }

// Directory is the directory in the strong store.
func (r *Region) Directory() *Directory { return NewDirectory(r.store) }

// Namespace gives access to a namespace, whether it is at home here or not.
func (r *Region) Namespace(name string) *Namespace { return &Namespace{region: r, name: name} }
