package replication

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/roster-go/roster"
	"github.com/roster-go/roster/replica"
)

// The keys, after the prefix. The package comment describes them.
const (
	rootDir      = "replica/"
	recordsDir   = rootDir + "records/"
	cursorsDir   = rootDir + "cursors/" // {origin}/{feed}
	memberKey    = rootDir + "member"
	floorKey     = rootDir + "floor"
	sessionsKey  = rootDir + "sessions"
	heartbeatKey = rootDir + "heartbeat"
	agesKey      = rootDir + "ages"
	leaderDir    = rootDir + "leader"
	conflictsDir = "conflicts/"
	mirrorsDir   = "r/" // {origin}/services/{service}/{id}, and {origin}/contact
	servicesDir  = "services/"
	identityKey  = "roster/cluster_id"
)

// regionsNamespace holds the table of regions. Only [Regions] writes there.
const regionsNamespace = "roster-regions"

// MaxKeyLen is the length limit of a record's key, in bytes.
const MaxKeyLen = roster.MaxNameLen

// A member is what a region's store says about the region: under which id it writes, and how
// many of its writes it has counted. Every local write replaces it in its own transaction, so
// counts follow the order of revisions.
type member struct {
	ID      string          `json:"id"`
	Count   uint64          `json:"count"`
	Cluster string          `json:"cluster"` // etcd's cluster id, in hexadecimal, for which the id was chosen
	Past    replica.Context `json:"past,omitempty"`
}

// known is what a region knows of its own writes.
func (m member) known() replica.Context {
	known := m.Past.Clone()
	if m.ID != "" {
		known[m.ID] = max(known[m.ID], m.Count)
	}
	return known
}

// A cursor is how far a region has applied what another one sent. It is written in the same
// transaction as the data.
type cursor struct {
	Cluster  string          `json:"cluster"`           // of the origin's etcd
	Session  string          `json:"session"`           // of the origin's agent that sent it
	Revision int64           `json:"revision"`          // of the origin's etcd, up to which everything was applied
	Known    replica.Context `json:"known,omitempty"`   // the origin's own ids and the counts applied
	Partial  string          `json:"partial,omitempty"` // a full sync that has not ended
}

// A heartbeat is the value under heartbeatKey.
type heartbeat struct {
	Beat  uint64           `json:"beat"`            // grows by one with each
	Known replica.Context  `json:"known,omitempty"` // of the region, from before the heartbeat was written
	Fresh map[string]int64 `json:"fresh,omitempty"` // by origin: how far the region was behind, in milliseconds
}

// checkKey returns a [*KeyError] for a key that records cannot have.
func checkKey(key string) error {
	if err := replica.ValidateKey(key); err != nil {
		return &KeyError{Key: key, Err: err}
	}
	if len(key) > MaxKeyLen {
		return &KeyError{Key: key, Err: fmt.Errorf("it has %d bytes, the limit is %d", len(key), MaxKeyLen)}
	}
	return nil
}

// checkUserKey also keeps users out of the table of regions.
func checkUserKey(key string) error {
	if strings.HasPrefix(key, regionsNamespace+"/") {
		return &KeyError{Key: key, Err: fmt.Errorf("the namespace %s is the table of regions: use Regions", regionsNamespace)}
	}
	return checkKey(key)
}

// decodeEntry reads an entry that is stored, or is to be stored, under key.
func decodeEntry(key string, data []byte) (replica.Entry, error) {
	e, err := replica.Decode(data)
	if err == nil {
		err = checkKey(e.Key)
	}
	if err == nil && e.Key != key {
		err = fmt.Errorf("it says that its key is %q", e.Key)
	}
	if err != nil {
		return replica.Entry{}, &EntryError{Key: key, Err: err}
	}
	return e, nil
}

func encode(v any) string {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err) // none of the stored types can fail
	}
	return string(data)
}
