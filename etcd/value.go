package etcd

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/roster-go/roster/discovery"
)

// valueVersion is the version of the JSON that this package writes, and the only one it
// reads. A field may be added without a new version: readers ignore what they do not know.
const valueVersion = 1

// servicesDir is the part of a key after the prefix that all instances share.
const servicesDir = "services/"

// value is the JSON under an instance's key. Service and id stand in the key alone.
type value struct {
	V        int               `json:"v"`
	Address  string            `json:"address"`
	Region   string            `json:"region,omitempty"`
	Zone     string            `json:"zone,omitempty"`
	Version  string            `json:"version,omitempty"`
	Draining bool              `json:"draining,omitempty"`
	Metadata map[string]string `json:"metadata,omitempty"`
	// Addr is the address in the words of etcd's package naming/endpoints, which reads
	// this and the metadata; its field Op is 0, which means the same as none.
	Addr string `json:"Addr,omitempty"` //nolint:tagliatelle // the name is given
}

// foreign is the JSON of etcd's package naming/endpoints, whose metadata may be anything.
type foreign struct {
	Op       int    `json:"Op"`       //nolint:tagliatelle // the names are given
	Addr     string `json:"Addr"`     //nolint:tagliatelle // likewise
	Metadata any    `json:"Metadata"` //nolint:tagliatelle // likewise
}

// A DecodeError reports a key or a value under the services prefix that is not an instance.
type DecodeError struct {
	Key string
	Err error
}

func (e *DecodeError) Error() string {
	return fmt.Sprintf("etcd: key %q does not hold an instance, remove it or announce it again: %v", e.Key, e.Err)
}

// Unwrap returns what is wrong.
func (e *DecodeError) Unwrap() error { return e.Err }

var errForeignKey = errors.New("the key is not services/{name}/{instance_id}")

// encodeKey returns {prefix}services/{service}/{id}.
func encodeKey(prefix string, key discovery.Key) string {
	return prefix + servicesDir + key.Service + "/" + key.ID
}

func decodeKey(prefix, key string) (discovery.Key, error) {
	rest, ok := strings.CutPrefix(key, prefix+servicesDir)
	if !ok {
		return discovery.Key{}, &DecodeError{Key: key, Err: errForeignKey}
	}
	service, id, ok := strings.Cut(rest, "/")
	if !ok {
		return discovery.Key{}, &DecodeError{Key: key, Err: errForeignKey}
	}
	decoded := discovery.Key{Service: service, ID: id}
	if err := decoded.Validate(); err != nil {
		return discovery.Key{}, &DecodeError{Key: key, Err: err}
	}
	return decoded, nil
}

// encodeValue is deterministic: equal instances have equal values.
func (b *Backend) encodeValue(instance discovery.Instance) (string, error) {
	encoded := value{
		V:        valueVersion,
		Address:  instance.Address,
		Region:   instance.Region,
		Zone:     instance.Zone,
		Version:  instance.Version,
		Metadata: instance.Metadata,
		Draining: instance.Draining,
	}
	if b.endpoints {
		encoded.Addr = instance.Address
	}
	data, err := json.Marshal(encoded)
	if err != nil {
		return "", fmt.Errorf("etcd: encode %s: %w", instance.Key(), err)
	}
	return string(data), nil
}

func decode(prefix, key string, data []byte) (discovery.Instance, error) {
	k, err := decodeKey(prefix, key)
	if err != nil {
		return discovery.Instance{}, err
	}
	var v value
	if err := json.Unmarshal(data, &v); err != nil || v.V == 0 {
		if instance, ok := decodeForeign(k, data); ok {
			return instance, nil
		}
		if err != nil {
			return discovery.Instance{}, &DecodeError{Key: key, Err: fmt.Errorf("the value is not the JSON of an instance: %w", err)}
		}
	}
	if v.V != valueVersion {
		return discovery.Instance{}, &DecodeError{Key: key, Err: fmt.Errorf("the value has version %d, this program reads version %d", v.V, valueVersion)}
	}
	instance := discovery.Instance{
		Service: k.Service, ID: k.ID, Address: v.Address,
		Region: v.Region, Zone: v.Zone, Version: v.Version, Metadata: v.Metadata, Draining: v.Draining,
	}
	if err := instance.Validate(); err != nil {
		return discovery.Instance{}, &DecodeError{Key: key, Err: err}
	}
	return instance, nil
}

// decodeForeign reads what etcd's package naming/endpoints wrote. Of its metadata, which
// may be any JSON, it takes the texts of an object.
func decodeForeign(k discovery.Key, data []byte) (discovery.Instance, bool) {
	var v foreign
	if err := json.Unmarshal(data, &v); err != nil || v.Op != 0 || v.Addr == "" {
		return discovery.Instance{}, false
	}
	instance := discovery.Instance{Service: k.Service, ID: k.ID, Address: v.Addr}
	if object, ok := v.Metadata.(map[string]any); ok {
		for name, entry := range object {
			text, isText := entry.(string)
			switch {
			case !isText:
				continue
			case name == "region":
				instance.Region = text
			case name == "zone":
				instance.Zone = text
			case name == "version":
				instance.Version = text
			default:
				if instance.Metadata == nil {
					instance.Metadata = make(map[string]string)
				}
				instance.Metadata[name] = text
			}
		}
	}
	return instance, instance.Validate() == nil
}
