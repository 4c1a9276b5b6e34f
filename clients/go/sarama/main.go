// The exercise with sarama.
//
// With the argument "pinned" it asks no ApiVersions, and sends what it has for the newest Kafka that it
// knows.
package main

import (
	"context"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/IBM/sarama"

	"interlock/clients/exercise"
)

func config() *sarama.Config {
	settings := sarama.NewConfig()
	settings.Version = sarama.V3_6_0_0
	if len(os.Args) > 1 && os.Args[1] == "pinned" {
		settings.Version = sarama.MaxVersion
		settings.ApiVersionsRequest = false
	}
	settings.Producer.Return.Successes = true
	settings.Producer.Partitioner = sarama.NewHashPartitioner
	settings.Consumer.Offsets.Initial = sarama.OffsetOldest
	settings.Consumer.Offsets.AutoCommit.Enable = false
	settings.Consumer.IsolationLevel = sarama.ReadCommitted
	settings.Consumer.Group.Session.Timeout = 10 * time.Second
	settings.Consumer.Group.Heartbeat.Interval = 500 * time.Millisecond
	if exercise.Username != "" {
		settings.Net.SASL.Enable = true
		settings.Net.SASL.User = exercise.Username
		settings.Net.SASL.Password = exercise.Password
	}
	return settings
}

func main() {
	admin, err := sarama.NewClusterAdmin([]string{exercise.Bootstrap}, config())
	if err != nil {
		panic(err)
	}
	defer admin.Close()
	exercise.Step("create_topic", func() (string, error) {
		detail := &sarama.TopicDetail{NumPartitions: exercise.Partitions, ReplicationFactor: 1}
		return "", admin.CreateTopic(exercise.Topic, detail, false)
	})
	produceAll()
	withGroup(admin)
	lookAround(admin)
	exercise.Step("delete_group", func() (string, error) {
		return "", admin.DeleteConsumerGroup(exercise.Group)
	})
	exercise.Step("delete_topic", func() (string, error) {
		return "", admin.DeleteTopic(exercise.Topic)
	})
}

func produceAll() {
	acks := []struct {
		name string
		acks sarama.RequiredAcks
	}{{"1", sarama.WaitForLocal}, {"all", sarama.WaitForAll}, {"0", sarama.NoResponse}}
	for _, one := range acks {
		produce("produce_acks_"+one.name, func(settings *sarama.Config) {
			settings.Producer.RequiredAcks = one.acks
		})
	}
	produce("produce_idempotent", idempotent)
	exercise.Step("produce_transactional", func() (string, error) { return "", transactions() })
	codecs := []struct {
		name  string
		codec sarama.CompressionCodec
	}{
		{"none", sarama.CompressionNone},
		{"gzip", sarama.CompressionGZIP},
		{"snappy", sarama.CompressionSnappy},
		{"lz4", sarama.CompressionLZ4},
		{"zstd", sarama.CompressionZSTD},
	}
	for _, one := range codecs {
		produce("produce_"+one.name, func(settings *sarama.Config) {
			settings.Producer.Compression = one.codec
		})
	}
}

func idempotent(settings *sarama.Config) {
	settings.Producer.Idempotent = true
	settings.Producer.RequiredAcks = sarama.WaitForAll
	settings.Net.MaxOpenRequests = 1
}

func produce(name string, adjust func(*sarama.Config)) {
	exercise.Step(name, func() (string, error) {
		settings := config()
		adjust(settings)
		producer, err := sarama.NewSyncProducer([]string{exercise.Bootstrap}, settings)
		if err != nil {
			return "", err
		}
		defer producer.Close()
		if err := producer.SendMessages(messages(exercise.Values(name))); err != nil {
			return "", err
		}
		exercise.Expect(exercise.Values(name))
		return "", nil
	})
}

func messages(values []string) []*sarama.ProducerMessage {
	made := make([]*sarama.ProducerMessage, len(values))
	for number, value := range values {
		made[number] = &sarama.ProducerMessage{
			Topic: exercise.Topic,
			Key:   sarama.StringEncoder(fmt.Sprint(number)),
			Value: sarama.StringEncoder(value),
		}
	}
	return made
}

func transactions() error {
	settings := config()
	idempotent(settings)
	settings.Producer.Transaction.ID = exercise.TransactionalID
	producer, err := sarama.NewSyncProducer([]string{exercise.Bootstrap}, settings)
	if err != nil {
		return err
	}
	defer producer.Close()
	ends := []struct {
		name string
		end  func() error
	}{{"aborted", producer.AbortTxn}, {"committed", producer.CommitTxn}}
	for _, one := range ends {
		if err := producer.BeginTxn(); err != nil {
			return err
		}
		if err := producer.SendMessages(messages(exercise.Values(one.name))); err != nil {
			return err
		}
		if err := one.end(); err != nil {
			return err
		}
	}
	exercise.Expect(exercise.Values("committed"))
	return nil
}

// member is one member of the group; sarama calls it from goroutines of its own.
type member struct {
	group    sarama.ConsumerGroup
	found    chan string
	assigned atomic.Int32
	rewind   atomic.Bool
	cancel   context.CancelFunc
	done     sync.WaitGroup
	session  atomic.Value
}

func join(found chan string) (*member, error) {
	group, err := sarama.NewConsumerGroup([]string{exercise.Bootstrap}, exercise.Group, config())
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	joined := &member{group: group, found: found, cancel: cancel}
	joined.done.Add(1)
	go func() {
		defer joined.done.Done()
		for ctx.Err() == nil {
			if err := group.Consume(ctx, []string{exercise.Topic}, joined); err != nil {
				return
			}
		}
	}()
	return joined, nil
}

func (m *member) leave() error {
	m.cancel()
	m.done.Wait()
	return m.group.Close()
}

// Setup is called when partitions are assigned.
func (m *member) Setup(session sarama.ConsumerGroupSession) error {
	if m.rewind.Swap(false) {
		for _, partition := range session.Claims()[exercise.Topic] {
			session.ResetOffset(exercise.Topic, partition, 0, "")
		}
	}
	m.session.Store(&session)
	m.assigned.Store(int32(len(session.Claims()[exercise.Topic])))
	return nil
}

// Cleanup is called when they are taken away.
func (m *member) Cleanup(sarama.ConsumerGroupSession) error {
	m.assigned.Store(0)
	return nil
}

// ConsumeClaim reads one partition.
func (m *member) ConsumeClaim(
	session sarama.ConsumerGroupSession, claim sarama.ConsumerGroupClaim,
) error {
	for message := range claim.Messages() {
		m.found <- string(message.Value)
		session.MarkMessage(message, "")
	}
	return nil
}

func withGroup(admin sarama.ClusterAdmin) {
	found := make(chan string, 10000)
	first, err := join(found)
	if err != nil {
		panic(err)
	}
	exercise.Step("consume", func() (string, error) { return exercise.Compare(read(found)) })
	exercise.Step("commit", func() (string, error) {
		(*first.session.Load().(*sarama.ConsumerGroupSession)).Commit()
		offsets, err := admin.ListConsumerGroupOffsets(exercise.Group, nil)
		if err != nil {
			return "", err
		}
		sum := int64(0)
		for _, block := range offsets.Blocks[exercise.Topic] {
			sum += block.Offset
		}
		if sum < int64(exercise.Expected()) {
			return "", fmt.Errorf("committed offsets add up to %d", sum)
		}
		return "", nil
	})
	second, err := join(found)
	if err != nil {
		panic(err)
	}
	exercise.Step("rebalance_join", func() (string, error) {
		return untilAssigned([]*member{first, second}, []int32{2, 2})
	})
	exercise.Step("describe_group", func() (string, error) {
		groups, err := admin.DescribeConsumerGroups([]string{exercise.Group})
		if err != nil {
			return "", err
		}
		if count := len(groups[0].Members); count != 2 {
			return "", fmt.Errorf("%d members: %v", count, groups[0].Err)
		}
		return "", nil
	})
	exercise.Step("rebalance_leave", func() (string, error) {
		if err := second.leave(); err != nil {
			return "", err
		}
		return untilAssigned([]*member{first}, []int32{4})
	})
	exercise.Step("seek", func() (string, error) {
		if err := first.leave(); err != nil {
			return "", err
		}
		// A session's offsets are set when it begins.
		again, err := sarama.NewConsumerGroup([]string{exercise.Bootstrap}, exercise.Group, config())
		if err != nil {
			return "", err
		}
		ctx, cancel := context.WithCancel(context.Background())
		rewound := &member{group: again, found: found, cancel: cancel}
		rewound.rewind.Store(true)
		rewound.done.Add(1)
		go func() {
			defer rewound.done.Done()
			_ = again.Consume(ctx, []string{exercise.Topic}, rewound)
		}()
		detail, failure := exercise.Compare(read(found))
		if err := rewound.leave(); err != nil {
			return "", err
		}
		return detail, failure
	})
}

func read(found <-chan string) []string {
	var values []string
	deadline := time.After(exercise.Patience)
	for {
		var quiet <-chan time.Time
		if len(values) >= exercise.Expected() {
			quiet = time.After(exercise.Quiet)
		}
		select {
		case value := <-found:
			values = append(values, value)
		case <-quiet:
			return values
		case <-deadline:
			return values
		}
	}
}

func untilAssigned(members []*member, want []int32) (string, error) {
	return exercise.Until(func() (bool, string) {
		var have []int32
		for _, one := range members {
			have = append(have, one.assigned.Load())
		}
		return fmt.Sprint(have) == fmt.Sprint(want), fmt.Sprintf("partitions of members %v", have)
	})
}

func lookAround(admin sarama.ClusterAdmin) {
	exercise.Step("list_topics", func() (string, error) {
		topics, err := admin.ListTopics()
		if err != nil {
			return "", err
		}
		var names []string
		for name := range topics {
			names = append(names, name)
		}
		return exercise.Contains(names, exercise.Topic)
	})
	exercise.Step("describe_topic", func() (string, error) {
		topics, err := admin.DescribeTopics([]string{exercise.Topic})
		if err != nil {
			return "", err
		}
		if count := len(topics[0].Partitions); count != exercise.Partitions {
			return "", fmt.Errorf("%d partitions: %v", count, topics[0].Err)
		}
		return "", nil
	})
	exercise.Step("list_groups", func() (string, error) {
		groups, err := admin.ListConsumerGroups()
		if err != nil {
			return "", err
		}
		var names []string
		for name := range groups {
			names = append(names, name)
		}
		return exercise.Contains(names, exercise.Group)
	})
	exercise.Step("list_group_offsets", func() (string, error) {
		offsets, err := admin.ListConsumerGroupOffsets(exercise.Group, nil)
		if err != nil {
			return "", err
		}
		if count := len(offsets.Blocks[exercise.Topic]); count != exercise.Partitions {
			return "", fmt.Errorf("offsets of %d partitions: %v", count, offsets.Err)
		}
		return "", nil
	})
}
