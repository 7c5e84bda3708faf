package etcd

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/roster-go/roster/discovery"
	"github.com/roster-go/roster/etcd/internal/follow"
)

// mirrorsDir is where package replication keeps the instances of other regions:
// {prefix}r/{origin}/services/{service}/{id}. The key {prefix}r/{origin}/contact tells whether
// the region has been heard of lately.
const mirrorsDir = "r/"

// Unconfirmed is the key of the metadata that marks instances of a region of which nothing has
// been heard lately. They may be gone, and they may be fine: that the regions' agents cannot reach
// each other does not mean that callers cannot reach an instance. The value is "true".
const Unconfirmed = "roster.unconfirmed"

// A mirrorKey is a key under mirrorsDir. Its instance is empty for that of the contact.
type mirrorKey struct {
	origin string
	stored string // services/{service}/{id}
}

func (b *Backend) mirrorKey(key string) (k mirrorKey, ok bool) {
	rest, ok := strings.CutPrefix(key, b.prefix+mirrorsDir)
	if !ok {
		return k, false
	}
	k.origin, rest, ok = strings.Cut(rest, "/")
	switch {
	case !ok || k.origin == "":
		return k, false
	case rest == "contact":
		return k, true
	}
	k.stored = rest
	return k, strings.HasPrefix(rest, servicesDir)
}

// mirrored decodes an instance of another region. Its id gets the region appended, because ids are
// unique within a region only, and its region is the one that it came from, whatever it says.
func (b *Backend) mirrored(k mirrorKey, key string, data []byte, unconfirmed bool) (discovery.Instance, error) {
	instance, err := decode(b.prefix+mirrorsDir+k.origin+"/", key, data)
	if err != nil {
		return instance, err
	}
	instance.ID += "@" + k.origin
	instance.Region = k.origin
	if unconfirmed {
		instance.Metadata = maps.Clone(instance.Metadata)
		if instance.Metadata == nil {
			instance.Metadata = make(map[string]string)
		}
		instance.Metadata[Unconfirmed] = "true"
	}
	if err := instance.Validate(); err != nil {
		return instance, &DecodeError{Key: key, Err: err}
	}
	return instance, nil
}

// A merged is a sink that two watches fill: of the region's own instances, and of those of the
// others. No revision of the store changes both, so none is split. The revision that it tells is
// the sum of both watches': it grows with every change and is no revision of the store's.
type merged struct {
	backend *Backend

	mu   sync.Mutex // guards what is below, and makes calls of sink come one after the other
	sink discovery.Sink
	own  half
	rest half

	instances map[discovery.Key]discovery.Instance // the region's own
	stored    map[string][]byte                    // of the others: every key under mirrorsDir
	lost      map[string]bool                      // origins that are unconfirmed
}

type half struct {
	synced   bool
	revision int64
	stale    error
}

var errNotRead = errors.New("not read yet")

// watchRegions follows the region's own instances and those of the others until ctx ends.
func (b *Backend) watchRegions(ctx context.Context, sink discovery.Sink) error {
	m := &merged{
		backend: b, sink: sink, own: half{stale: errNotRead}, rest: half{stale: errNotRead},
		instances: make(map[discovery.Key]discovery.Instance), stored: make(map[string][]byte), lost: make(map[string]bool),
	}
	var running sync.WaitGroup
	running.Go(func() { _ = b.follow(mirrorsDir, &b.others).Run(ctx, (*mirrorSink)(m)) }) // it ends with ctx
	defer running.Wait()
	return b.follow(servicesDir, &b.meter).Run(ctx, &feedSink{b, (*ownSink)(m)})
}

func (m *merged) revision() int64 { return m.own.revision + m.rest.revision }

// sync tells the sink everything, if both watches have read it.
func (m *merged) sync() {
	if !m.own.synced || !m.rest.synced {
		return
	}
	all := slices.Collect(maps.Values(m.instances))
	for key := range m.stored {
		if instance, ok := m.decode(key); ok {
			all = append(all, instance)
		}
	}
	m.sink.Sync(m.revision(), all)
	for _, h := range []half{m.own, m.rest} {
		if h.stale != nil {
			m.sink.Stale(h.stale)
		}
	}
}

// decode reads the instance under a key of another region.
func (m *merged) decode(key string) (discovery.Instance, bool) {
	k, ok := m.backend.mirrorKey(key)
	if !ok || k.stored == "" {
		return discovery.Instance{}, false
	}
	instance, err := m.backend.mirrored(k, key, m.stored[key], m.lost[k.origin])
	if err != nil {
		m.backend.skip(err)
		return instance, false
	}
	return instance, true
}

func (m *merged) apply(changes []discovery.Change) {
	if m.own.synced && m.rest.synced {
		m.sink.Apply(m.revision(), changes)
	}
}

func (m *merged) stale(h *half, err error) {
	h.stale = err
	m.sink.Stale(err)
}

func (m *merged) fresh(h *half) {
	h.stale = nil
	if m.own.stale == nil && m.rest.stale == nil && m.own.synced && m.rest.synced {
		m.sink.Fresh(m.revision())
	}
}

// An ownSink takes the region's own instances.
type ownSink merged

func (s *ownSink) Sync(revision int64, all []discovery.Instance) {
	m := (*merged)(s)
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.instances)
	for _, instance := range all {
		m.instances[instance.Key()] = instance
	}
	m.own = half{synced: true, revision: revision}
	m.sync()
}

func (s *ownSink) Apply(revision int64, changes []discovery.Change) {
	m := (*merged)(s)
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, change := range changes {
		if change.Removed {
			delete(m.instances, change.Instance.Key())
		} else {
			m.instances[change.Instance.Key()] = change.Instance
		}
	}
	m.own.revision = revision
	m.apply(changes)
}

func (s *ownSink) Stale(err error) {
	m := (*merged)(s)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stale(&m.own, err)
}

func (s *ownSink) Fresh(revision int64) {
	m := (*merged)(s)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.own.revision = revision
	m.fresh(&m.own)
}

// A mirrorSink takes the instances of the other regions.
type mirrorSink merged

var _ follow.Sink = (*mirrorSink)(nil)

func (s *mirrorSink) Sync(revision int64, all []*mvccpb.KeyValue) {
	m := (*merged)(s)
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.stored)
	clear(m.lost)
	for _, kv := range all {
		m.note(string(kv.GetKey()), kv.GetValue())
	}
	m.rest = half{synced: true, revision: revision}
	m.sync()
}

// note keeps what is under a key, and returns the origin if its contact was lost or found by it.
func (m *merged) note(key string, value []byte) (turned string) {
	k, ok := m.backend.mirrorKey(key)
	switch {
	case !ok:
		return ""
	case k.stored != "":
		if value == nil {
			delete(m.stored, key)
		} else {
			m.stored[key] = value
		}
		return ""
	}
	var contact struct {
		Lost bool `json:"lost"`
	}
	_ = json.Unmarshal(value, &contact) // what is damaged or gone says nothing
	if contact.Lost == m.lost[k.origin] {
		return ""
	}
	m.lost[k.origin] = contact.Lost
	return k.origin
}

func (s *mirrorSink) Apply(revision int64, events []*clientv3.Event) {
	m := (*merged)(s)
	m.mu.Lock()
	defer m.mu.Unlock()
	var changes []discovery.Change
	for _, event := range events {
		key, value := string(event.GetKv().GetKey()), event.GetKv().GetValue()
		if event.GetType() == clientv3.EventTypeDelete {
			value = nil
		}
		if origin := m.note(key, value); origin != "" {
			changes = append(changes, m.all(origin)...)
			continue
		}
		if change, ok := m.change(key); ok {
			changes = append(changes, change)
		}
	}
	m.rest.revision = revision
	m.apply(changes)
}

// all are the instances of an origin as they are now.
func (m *merged) all(origin string) []discovery.Change {
	var changes []discovery.Change
	for key := range m.stored {
		if k, ok := m.backend.mirrorKey(key); ok && k.origin == origin {
			if instance, ok := m.decode(key); ok {
				changes = append(changes, discovery.Change{Instance: instance})
			}
		}
	}
	return changes
}

// change is what became of the instance under a key.
func (m *merged) change(key string) (discovery.Change, bool) {
	k, ok := m.backend.mirrorKey(key)
	if !ok || k.stored == "" {
		return discovery.Change{}, false
	}
	if _, there := m.stored[key]; there {
		if instance, ok := m.decode(key); ok {
			return discovery.Change{Instance: instance}, true
		}
	}
	gone, err := decodeKey("", k.stored)
	if err != nil {
		return discovery.Change{}, false
	}
	return discovery.Change{Removed: true, Instance: discovery.Instance{Service: gone.Service, ID: gone.ID + "@" + k.origin}}, true
}

func (s *mirrorSink) Stale(err error) {
	m := (*merged)(s)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stale(&m.rest, err)
}

func (s *mirrorSink) Fresh(revision int64, _ time.Time) {
	m := (*merged)(s)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.rest.revision = max(m.rest.revision, revision)
	m.fresh(&m.rest)
}
