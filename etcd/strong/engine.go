package strong

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/roster-go/roster/etcd/internal/pace"
	"github.com/roster-go/roster/replica/strong"
)

// Defaults of [Options].
const (
	DefaultHeartbeat = time.Second
	DefaultTimeout   = pace.RequestTimeout
	DefaultRelist    = 10 * time.Minute
)

// Options adjust an [Engine]. The zero value is a good choice.
type Options struct {
	// Prefix stands before every key. A missing slash at its end is added.
	Prefix string
	// Heartbeat is how often the watch asks for a new proof that it is not behind,
	// [DefaultHeartbeat] if zero. It is one small quorum read.
	Heartbeat time.Duration
	// Timeout bounds a single request, [DefaultTimeout] if zero. A context may end it sooner.
	Timeout time.Duration
	// Relist is how often everything is read again although nothing seems to be missing,
	// [DefaultRelist] if zero, never if negative. It finds events that etcd dropped.
	Relist time.Duration
	// Logger is told of lost contact. Nil is silent.
	Logger *slog.Logger
}

// An Engine keeps a strongly consistent store in an etcd cluster.
type Engine struct {
	client  *clientv3.Client
	prefix  string // of all keys
	cluster string // the key that tells the store from another
	opts    Options
}

var _ strong.Engine = (*Engine)(nil)

// storeDir is the part of a key after the prefix that all keys share.
const storeDir = "strong/"

// clusterKey holds a random text that tells one store from another, if something wrote it.
const clusterKey = "roster/cluster_id"

// New returns an engine over a client of the cluster, which stays the caller's to close.
func New(client *clientv3.Client, opts Options) *Engine {
	if opts.Prefix != "" && !strings.HasSuffix(opts.Prefix, "/") {
		opts.Prefix += "/"
	}
	if opts.Heartbeat <= 0 {
		opts.Heartbeat = DefaultHeartbeat
	}
	if opts.Timeout <= 0 {
		opts.Timeout = DefaultTimeout
	}
	if opts.Relist == 0 {
		opts.Relist = DefaultRelist
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	return &Engine{client: client, prefix: opts.Prefix + storeDir, cluster: opts.Prefix + clusterKey, opts: opts}
}

// Get implements [strong.Engine].
func (e *Engine) Get(ctx context.Context, key string) (entry strong.Entry, found bool, err error) {
	response, err := e.read(ctx, e.prefix+key)
	if err != nil {
		return strong.Entry{}, false, err
	}
	for _, kv := range response.Kvs {
		return e.entry(kv), true, nil
	}
	return strong.Entry{}, false, nil
}

// List implements [strong.Engine].
func (e *Engine) List(ctx context.Context, prefix string) ([]strong.Entry, strong.Version, error) {
	response, err := e.read(ctx, e.prefix+prefix, clientv3.WithPrefix())
	if err != nil {
		return nil, 0, err
	}
	entries := make([]strong.Entry, 0, len(response.Kvs))
	for _, kv := range response.Kvs {
		entries = append(entries, e.entry(kv))
	}
	return entries, strong.Version(response.Header.GetRevision()), nil
}

// entry is what a pair of the store means.
func (e *Engine) entry(kv *mvccpb.KeyValue) strong.Entry {
	return strong.Entry{
		Key:     strings.TrimPrefix(string(kv.GetKey()), e.prefix),
		Value:   kv.GetValue(),
		Version: strong.Version(kv.GetModRevision()),
	}
}

// Write implements [strong.Engine].
func (e *Engine) Write(ctx context.Context, w strong.Write) (strong.Version, error) {
	key := e.prefix + w.Key
	op := clientv3.OpPut(key, string(w.Value))
	if w.Remove {
		op = clientv3.OpDelete(key)
	}
	var guards []clientv3.Cmp
	if w.Guarded {
		guards = append(guards, clientv3.Compare(clientv3.ModRevision(key), "=", int64(w.Expect))) // 0 if the key is not there
	}
	response, err := e.commit(ctx, clientv3.OpTxn(guards, []clientv3.Op{op}, []clientv3.Op{clientv3.OpGet(key)}))
	if err != nil {
		return 0, err
	}
	if response.Succeeded {
		return strong.Version(response.Header.GetRevision()), nil
	}
	conflict := &strong.ConflictError{Key: w.Key, Expected: w.Expect}
	for _, op := range response.Responses {
		for _, kv := range op.GetResponseRange().GetKvs() {
			conflict.Found = e.entry(kv)
		}
	}
	return 0, conflict
}
