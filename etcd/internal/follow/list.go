package follow

import (
	"context"
	"fmt"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/roster-go/roster/etcd/internal/pace"
)

// pageSize is how many keys one request of a full read asks for.
const pageSize = 1000

// A listing is everything as it was at one revision.
type listing struct {
	position

	kvs []*mvccpb.KeyValue
	err error // why there is none, for those who get it by a channel
}

// A page is one answer of a full read.
type page struct {
	*clientv3.GetResponse

	err error
}

// list reads everything as it was at one revision. While one page is decoded the next is
// on its way.
func (w *watch) list(ctx context.Context) (listing, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	pages := make(chan page, 1)
	go w.pages(ctx, pages)
	defer func() {
		cancel()
		for range pages { // until its goroutine has ended
		}
	}()

	var l listing
	var latest *mvccpb.KeyValue
	for p := range pages {
		if p.err != nil {
			return listing{}, p.err
		}
		if !l.synced {
			l.position = position{synced: true, revision: p.Header.GetRevision(), cluster: p.Header.GetClusterId()}
			l.kvs = make([]*mvccpb.KeyValue, 0, p.Count)
		}
		l.term = p.Header.GetRaftTerm()
		l.keys += int64(len(p.Kvs))
		for _, kv := range p.Kvs {
			if latest == nil || kv.GetModRevision() > latest.GetModRevision() {
				latest = kv
			}
		}
		l.kvs = append(l.kvs, p.Kvs...)
	}
	if latest != nil {
		l.remember(latest)
	}
	var err error
	l.identity, err = w.readIdentity(ctx)
	return l, err
}

// pages sends the pages of a full read. The first says at which revision the others are read.
func (w *watch) pages(ctx context.Context, pages chan<- page) {
	defer close(pages)
	prefix := w.Prefix
	end := clientv3.GetPrefixRangeEnd(prefix)
	revision := int64(0)
	for from := prefix; ; {
		got, err := w.get(ctx, from, clientv3.WithRange(end), clientv3.WithLimit(pageSize), clientv3.WithRev(revision))
		if err != nil {
			err = fmt.Errorf("read %s: %w", prefix, err)
		}
		select {
		case pages <- page{got, err}:
		case <-ctx.Done():
			return
		}
		if err != nil || !got.More || len(got.Kvs) == 0 {
			return
		}
		if revision == 0 {
			revision = got.Header.GetRevision()
		}
		from = string(got.Kvs[len(got.Kvs)-1].GetKey()) + "\x00"
	}
}

func (w *watch) get(ctx context.Context, key string, opts ...clientv3.OpOption) (*clientv3.GetResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, pace.RequestTimeout)
	defer cancel()
	return w.Client.Get(ctx, key, opts...) //nolint:wrapcheck // the caller says what it was reading
}
