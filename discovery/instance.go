package discovery

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Limits of an instance, in bytes.
const (
	MaxNameLen      = 256       // service, instance id, region, zone, version
	MaxAddressLen   = 1024      // address
	MaxInstanceSize = 64 * 1024 // all texts of one instance together
)

// An Instance is one place where a service can be reached. Whoever receives one
// shares it with others: neither it nor its metadata may be modified. [Instance.Clone]
// makes a copy of one's own.
type Instance struct {
	Service  string            // what it serves, such as a capability's name
	ID       string            // unique among the instances of the service
	Address  string            // where: host:port or a URL, which the package does not interpret
	Region   string            // may be empty
	Zone     string            // may be empty
	Version  string            // of what is served; may be empty
	Metadata map[string]string // anything else; may be nil
	Draining bool              // it is leaving: calls under way end there, new ones go elsewhere
}

// A Key identifies an instance.
type Key struct {
	Service string
	ID      string
}

// String is service/id, the form in which backends store the key.
func (k Key) String() string { return k.Service + "/" + k.ID }

// Key returns what identifies the instance.
func (i Instance) Key() Key { return Key{Service: i.Service, ID: i.ID} }

// Equal tells whether both say the same. Nil and empty metadata are equal.
func (i Instance) Equal(other Instance) bool {
	return i.Service == other.Service && i.ID == other.ID && i.Address == other.Address &&
		i.Region == other.Region && i.Zone == other.Zone && i.Version == other.Version && i.Draining == other.Draining &&
		maps.Equal(i.Metadata, other.Metadata)
}

// Clone returns a copy that shares nothing with i.
func (i Instance) Clone() Instance {
	i.Metadata = maps.Clone(i.Metadata)
	return i
}

// ErrInvalidInstance is what every [*InstanceError] is, for errors.Is.
var ErrInvalidInstance = errors.New("invalid instance")

// An InstanceError reports an instance that cannot be announced.
type InstanceError struct {
	Service string
	ID      string
	Field   string // the name of the field, for example "Address"
	Fault   string // what is wrong, as a clause
}

func (e *InstanceError) Error() string {
	return fmt.Sprintf("discovery: instance %q of service %q: correct its %s: %s",
		shorten(e.ID), shorten(e.Service), e.Field, e.Fault)
}

// Is makes errors.Is(err, ErrInvalidInstance) true.
func (e *InstanceError) Is(target error) bool { return target == ErrInvalidInstance }

func shorten(text string) string {
	const shown = 64 // enough to recognise what is too long
	if len(text) > shown {
		return strings.ToValidUTF8(text[:shown], "") + "…"
	}
	return text
}

// Validate returns an [*InstanceError] for the first field that is wrong, or nil.
//
// Service and ID are segments of a key: not empty, valid UTF-8, printable, without a
// slash, without white space at an end, neither "." nor "..", at most [MaxNameLen] bytes.
// Address is required. Region, Zone and Version follow the rules of a segment except that
// they may be empty and hold slashes. Metadata keys are not empty, and all of it is valid
// UTF-8. Together the texts have at most [MaxInstanceSize] bytes.
func (i Instance) Validate() error {
	for _, check := range []struct{ field, fault string }{
		{"Service", segmentFault(i.Service)},
		{"ID", segmentFault(i.ID)},
		{"Address", addressFault(i.Address)},
		{"Region", optionalFault(i.Region)},
		{"Zone", optionalFault(i.Zone)},
		{"Version", optionalFault(i.Version)},
		{"Metadata", i.metadataFault()},
	} {
		if check.fault != "" {
			return &InstanceError{Service: i.Service, ID: i.ID, Field: check.field, Fault: check.fault}
		}
	}
	return nil
}

// Validate returns an [*InstanceError] if the key's service or id breaks the rules that
// [Instance.Validate] lists.
func (k Key) Validate() error {
	if fault := segmentFault(k.Service); fault != "" {
		return &InstanceError{Service: k.Service, ID: k.ID, Field: "Service", Fault: fault}
	}
	if fault := segmentFault(k.ID); fault != "" {
		return &InstanceError{Service: k.Service, ID: k.ID, Field: "ID", Fault: fault}
	}
	return nil
}

func segmentFault(text string) string {
	switch {
	case text == "":
		return "it is empty"
	case text == "." || text == "..":
		return "it is a relative path"
	case strings.Contains(text, "/"):
		return "it contains a slash, which separates the parts of a key"
	}
	return textFault(text, MaxNameLen)
}

func addressFault(text string) string {
	if text == "" {
		return "it is empty: nobody could call the instance"
	}
	return textFault(text, MaxAddressLen)
}

func optionalFault(text string) string { return textFault(text, MaxNameLen) }

func textFault(text string, limit int) string {
	switch {
	case len(text) > limit:
		return fmt.Sprintf("it has %d bytes, the limit is %d", len(text), limit)
	case !utf8.ValidString(text):
		return "it is not valid UTF-8"
	case strings.TrimSpace(text) != text:
		return "it starts or ends with white space"
	}
	for _, r := range text {
		if !unicode.IsPrint(r) {
			return fmt.Sprintf("it contains %U, which does not print", r)
		}
	}
	return ""
}

func (i Instance) metadataFault() string {
	size := len(i.Service) + len(i.ID) + len(i.Address) + len(i.Region) + len(i.Zone) + len(i.Version)
	for key, value := range i.Metadata {
		size += len(key) + len(value)
		switch {
		case key == "":
			return "it has an empty key"
		case !utf8.ValidString(key) || !utf8.ValidString(value):
			return fmt.Sprintf("its entry %q is not valid UTF-8", shorten(key))
		}
	}
	if size > MaxInstanceSize {
		return fmt.Sprintf("the instance has %d bytes in all, the limit is %d", size, MaxInstanceSize)
	}
	return ""
}

// ByKey validates instances and returns copies of them by key. Backends use it to check
// what they are asked to announce. The error joins an [*InstanceError] for each instance
// that is invalid or whose key another one has.
func ByKey(instances []Instance) (map[Key]Instance, error) {
	byKey := make(map[Key]Instance, len(instances))
	var faults []error
	for _, instance := range instances {
		if err := instance.Validate(); err != nil {
			faults = append(faults, err)
			continue
		}
		if _, taken := byKey[instance.Key()]; taken {
			faults = append(faults, &InstanceError{
				Service: instance.Service, ID: instance.ID, Field: "ID",
				Fault: "another instance of the same announcement has it",
			})
			continue
		}
		byKey[instance.Key()] = instance.Clone()
	}
	if faults != nil {
		return nil, errors.Join(faults...)
	}
	return byKey, nil
}
