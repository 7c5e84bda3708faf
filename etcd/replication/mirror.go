package replication

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/roster-go/roster/discovery"
	"github.com/roster-go/roster/etcd/internal/pace"
)

// A mirror is a copy of another region's instances. That region alone writes them, so there is
// nothing to merge: what it has is put, what it removed is deleted, and after a full sync what it
// did not name is swept. On loss of contact they stay; see [lead.watchOrigins].
type mirror struct {
	keeper

	values map[string][]byte // what is stored, by {service}/{id}
	seen   map[string]bool   // during a full sync
}

var _ target = (*mirror)(nil)

func newMirror(s *stream) *mirror { return &mirror{keeper: keeper{s: s}} }

func (m *mirror) dir() string {
	return m.s.store.prefix + mirrorsDir + m.s.from + "/" + servicesDir
}

// begin implements [target].
func (m *mirror) begin(ctx context.Context) (cursor, error) {
	c, err := m.keeper.begin(ctx)
	if err != nil {
		return c, err
	}
	m.values = make(map[string][]byte)
	const page = 1000
	for from, more := m.dir(), true; more; {
		requesting, cancel := context.WithTimeout(ctx, pace.RequestTimeout)
		got, err := m.s.store.client.Get(requesting, from, clientv3.WithRange(clientv3.GetPrefixRangeEnd(m.dir())), clientv3.WithLimit(page))
		cancel()
		if err != nil {
			return c, fmt.Errorf("replication: read the instances of region %q: %w", m.s.from, err)
		}
		for _, kv := range got.Kvs {
			m.values[strings.TrimPrefix(string(kv.GetKey()), m.dir())] = kv.GetValue()
			from = string(kv.GetKey()) + "\x00"
		}
		more = got.More
	}
	return c, nil
}

// full implements [target].
func (m *mirror) full(_ context.Context, epoch string) error {
	m.cursor.Cluster, m.cursor.Session = m.s.hello.Cluster, m.s.hello.Session
	m.cursor.Partial, m.cursor.Revision, m.dirty = epoch, 0, true
	m.seen = make(map[string]bool)
	return nil
}

// apply implements [target].
func (m *mirror) apply(ctx context.Context, items []item, to int64) error {
	latest := make(map[string]item, len(items))
	for _, i := range items {
		if err := checkInstance(i); err != nil {
			return err
		}
		latest[i.Key] = i
		if m.seen != nil && !i.Removed {
			m.seen[i.Key] = true
		}
	}
	keys := slices.Sorted(maps.Keys(latest))
	for i, some := range slices.Collect(slices.Chunk(keys, maxBatchItems)) {
		var ops []clientv3.Op
		for _, key := range some {
			now, there := m.values[key]
			switch i := latest[key]; {
			case i.Removed && there:
				ops = append(ops, clientv3.OpDelete(m.dir()+key))
			case !i.Removed && (!there || !bytes.Equal(now, i.Value)):
				ops = append(ops, clientv3.OpPut(m.dir()+key, string(i.Value)))
			}
		}
		if (i+1)*maxBatchItems >= len(keys) {
			m.moved(to)
		}
		if err := m.write(ctx, ops); err != nil {
			return err
		}
		for _, key := range some {
			if i := latest[key]; i.Removed {
				delete(m.values, key)
			} else {
				m.values[key] = i.Value
			}
		}
		m.s.agent.with(m.s.from, func(o *origin) { o.applied += uint64(len(ops)) })
	}
	return nil
}

func (m *mirror) write(ctx context.Context, ops []clientv3.Op) error {
	if len(ops) == 0 {
		return nil
	}
	response, err := m.commit(ctx, nil, ops, nil)
	if err == nil && !response.Succeeded {
		err = errGuard
	}
	return err
}

// maxInstance bounds a value, above what discovery allows, because JSON escapes.
const maxInstance = 8 * discovery.MaxInstanceSize

func checkInstance(i item) error {
	service, id, ok := strings.Cut(i.Key, "/")
	if !ok {
		return &Refusal{Code: RefusedData, Text: fmt.Sprintf("key %q is not SERVICE/ID", shorten(i.Key))}
	}
	if err := (discovery.Key{Service: service, ID: id}).Validate(); err != nil {
		return &Refusal{Code: RefusedData, Text: err.Error()}
	}
	if len(i.Value) > maxInstance {
		return &Refusal{Code: RefusedData, Text: fmt.Sprintf("instance %q has %d bytes, the limit is %d", shorten(i.Key), len(i.Value), maxInstance)}
	}
	return nil
}

// synced implements [target].
func (m *mirror) synced(ctx context.Context, s synced, to int64) error {
	if s.Epoch != m.cursor.Partial || m.seen == nil {
		return &Refusal{Code: RefusedData, Text: "the end of another full sync"}
	}
	var gone []string
	for key := range m.values {
		if !m.seen[key] {
			gone = append(gone, key)
		}
	}
	for some := range slices.Chunk(gone, maxBatchItems) {
		ops := make([]clientv3.Op, len(some))
		for i, key := range some {
			ops[i] = clientv3.OpDelete(m.dir() + key)
		}
		if err := m.write(ctx, ops); err != nil {
			return err
		}
		for _, key := range some {
			delete(m.values, key)
		}
	}
	m.seen, m.cursor.Partial = nil, ""
	m.moved(to)
	return m.persist(ctx, 0)
}

// end implements [target].
func (m *mirror) end() {}

// repair implements [target].
func (m *mirror) repair(context.Context, []item) error { return errNothingToMerge }

// beat implements [target].
func (m *mirror) beat(context.Context, beat, int64) error { return errNothingToMerge }

var errNothingToMerge = errors.New("replication: not in the feed of instances")

// A contact is the value of r/{origin}/contact, which readers of instances follow as well.
type contact struct {
	Lost bool `json:"lost"`
}

// contactKey is {prefix}r/{origin}/contact.
func (s *Store) contactKey(region string) string { return s.prefix + mirrorsDir + region + "/contact" }

// watchOrigins marks the instances of a region as unconfirmed while its heartbeats do not come,
// and as confirmed when they do. They are not removed: that this region has lost contact does not
// mean that its callers have, and a caller finds out by itself whether an instance answers.
func (l *lead) watchOrigins(ctx context.Context) {
	limit := DefaultLost * l.agent.opts.Heartbeat
	for _, r := range l.store.peers() {
		var lost, was, told bool
		l.agent.with(r.Name, func(o *origin) {
			lost, was, told = o.beatAge() > limit, o.lost, o.told
		})
		if told && lost == was {
			continue
		}
		s := l.store
		requesting, cancel := context.WithTimeout(ctx, pace.RequestTimeout)
		_, err := s.client.Txn(requesting).If(l.leads()).Then(clientv3.OpPut(s.contactKey(r.Name), encode(contact{Lost: lost}))).Commit()
		cancel()
		if err != nil {
			l.log.Debug("contact with a region could not be written down", slog.String("peer", r.Name), slog.Any("error", err))
			continue
		}
		if lost {
			l.log.Warn("no heartbeat of a region, its instances are unconfirmed", slog.String("peer", r.Name))
		}
		l.agent.with(r.Name, func(o *origin) { o.lost, o.told = lost, true })
	}
}
