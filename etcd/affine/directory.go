package affine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/roster-go/roster/replica/move"
	"github.com/roster-go/roster/replica/strong"
)

// The keys in the strong store.
const (
	termsKey      = "affine/terms"
	numbersKey    = "affine/regions"
	aliveDir      = "affine/alive/"      // {region}
	namespacesDir = "affine/namespaces/" // {namespace}
)

// DefaultTerms are those of a directory that was not given others: a failover waits 5.25 s.
func DefaultTerms() move.Terms {
	return move.Terms{TTL: 4 * time.Second, Grace: time.Second, Drift: 0.05}
}

// A Directory says where namespaces live. It is kept in the strong store. It is safe for
// concurrent use.
type Directory struct{ store *strong.Store }

// NewDirectory returns the directory in a store. Only [Directory.Local] needs the store to run.
func NewDirectory(store *strong.Store) *Directory { return &Directory{store} }

// terms is the JSON of move.Terms.
type terms struct {
	TTL   time.Duration `json:"ttl"`
	Grace time.Duration `json:"grace"`
	Drift float64       `json:"drift"`
}

// Setup writes the terms that all regions agree on, unless there are some; the zero Terms are
// [DefaultTerms]. They cannot be changed while a region uses the directory, since a failover
// would then wait for other leases than there are.
func (d *Directory) Setup(ctx context.Context, agreed move.Terms) error {
	if agreed == (move.Terms{}) {
		agreed = DefaultTerms()
	}
	text, err := json.Marshal(terms(agreed))
	if err != nil {
		return fmt.Errorf("affine: encode the terms: %w", err)
	}
	_, err = d.store.CompareAndSet(ctx, termsKey, 0, text)
	if _, there := errors.AsType[*strong.ConflictError](err); there {
		return nil
	}
	return err
}

// Terms reads the terms over the quorum.
func (d *Directory) Terms(ctx context.Context) (move.Terms, error) {
	entry, _, err := d.store.Get(ctx, termsKey)
	if err != nil {
		return move.Terms{}, err
	}
	return decodeTerms(entry)
}

func decodeTerms(entry strong.Entry) (move.Terms, error) {
	if entry.Version == 0 {
		return move.Terms{}, errNoTerms
	}
	var t terms
	if err := json.Unmarshal(entry.Value, &t); err != nil || t.TTL <= 0 {
		return move.Terms{}, fmt.Errorf("affine: the terms under %s are damaged, repair them by hand: %w", termsKey, err)
	}
	return move.Terms(t), nil
}

var errNoTerms = errors.New("affine: the strong store has no terms: call Directory.Setup once")

// AddRegion gives a region a number, so that it can be a home. It may have one already.
func (d *Directory) AddRegion(ctx context.Context, region string) error {
	if err := validate("region", region); err != nil {
		return err
	}
	for {
		numbers, version, err := d.numbers(ctx)
		if err != nil || numbers[region] != 0 {
			return err
		}
		next := uint64(1)
		for _, number := range numbers {
			next = max(next, number+1)
		}
		if next >= move.Increment {
			return &move.RegionError{Region: region}
		}
		numbers[region] = next
		text, err := json.Marshal(numbers)
		if err != nil {
			return fmt.Errorf("affine: encode the regions: %w", err)
		}
		_, err = d.store.CompareAndSet(ctx, numbersKey, version, text)
		if _, conflict := errors.AsType[*strong.ConflictError](err); !conflict {
			return err
		}
	}
}

// Numbers reads the regions that can be a home, over the quorum.
func (d *Directory) Numbers(ctx context.Context) (move.Numbers, error) {
	numbers, _, err := d.numbers(ctx)
	return numbers, err
}

func (d *Directory) numbers(ctx context.Context) (move.Numbers, strong.Version, error) {
	entry, found, err := d.store.Get(ctx, numbersKey)
	if err != nil {
		return nil, 0, err
	}
	numbers := make(move.Numbers)
	if found {
		if err := json.Unmarshal(entry.Value, &numbers); err != nil {
			return nil, 0, fmt.Errorf("affine: the regions under %s are damaged, repair them by hand: %w", numbersKey, err)
		}
	}
	return numbers, entry.Version, nil
}

// Create makes a namespace. It can be written to as soon as the home's warden has opened it. If it
// is there already the error is a [*strong.ConflictError].
func (d *Directory) Create(ctx context.Context, namespace, home string) (move.Record, error) {
	if err := validate("namespace", namespace); err != nil {
		return move.Record{}, err
	}
	numbers, err := d.Numbers(ctx)
	if err != nil {
		return move.Record{}, err
	}
	record, err := move.Create(namespace, home, numbers)
	if err != nil {
		return move.Record{}, err
	}
	_, err = d.replace(ctx, record, 0)
	return record, err
}

// Get reads the record of a namespace over the quorum. The error is an [*UnknownError] if there
// is none.
func (d *Directory) Get(ctx context.Context, namespace string) (move.Record, error) {
	record, _, err := d.get(ctx, namespace)
	return record, err
}

func (d *Directory) get(ctx context.Context, namespace string) (move.Record, strong.Version, error) {
	entry, found, err := d.store.Get(ctx, namespacesDir+namespace)
	switch {
	case err != nil:
		return move.Record{}, 0, err
	case !found:
		return move.Record{}, 0, &UnknownError{Namespace: namespace}
	}
	record, err := move.Decode(entry.Value)
	return record, entry.Version, err
}

// replace stores a record if the one that was read at version is still there.
func (d *Directory) replace(ctx context.Context, record move.Record, version strong.Version) (strong.Version, error) {
	text, err := json.Marshal(record)
	if err != nil {
		return 0, fmt.Errorf("affine: encode the record of %s: %w", record.Namespace, err)
	}
	return d.store.CompareAndSet(ctx, namespacesDir+record.Namespace, version, text)
}

// Local reads the record of a namespace in this process's view, which may be outdated: it costs
// no request. The error is an [*UnknownError] if there is none.
func (d *Directory) Local(namespace string) (move.Record, error) {
	return recordIn(d.store.View(), namespace)
}

func recordIn(view *strong.View, namespace string) (move.Record, error) {
	entry, found := view.Get(namespacesDir + namespace)
	if !found {
		return move.Record{}, &UnknownError{Namespace: namespace, Known: namespacesIn(view)}
	}
	return move.Decode(entry.Value)
}

// namespacesIn are the namespaces that a view has.
func namespacesIn(view *strong.View) []string {
	var names []string
	for entry := range view.List(namespacesDir) {
		names = append(names, strings.TrimPrefix(entry.Key, namespacesDir))
	}
	return names
}

// All reads the records of all namespaces over the quorum, sorted by namespace.
func (d *Directory) All(ctx context.Context) ([]move.Record, error) {
	entries, _, err := d.store.List(ctx, namespacesDir)
	if err != nil {
		return nil, err
	}
	records := make([]move.Record, 0, len(entries))
	for _, entry := range entries {
		record, err := move.Decode(entry.Value)
		if err != nil {
			return nil, err
		}
		records = append(records, record)
	}
	return records, nil
}

// validate checks the name of a region or a namespace.
func validate(what, name string) error {
	switch {
	case name == "":
		return &NameError{What: what, Name: name, Fault: "it is empty"}
	case strings.Contains(name, "/"):
		return &NameError{What: what, Name: name, Fault: "it contains a slash, which separates the parts of a key"}
	case slices.Contains([]string{".", ".."}, name):
		return &NameError{What: what, Name: name, Fault: "it is a relative path"}
	}
	return nil
}
