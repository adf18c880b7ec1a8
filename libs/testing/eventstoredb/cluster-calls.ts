import { randomUUID } from 'node:crypto';
import gossip from '@eventstore/db-client/generated/gossip_pb.js';
import type { ClusterInfo } from '@eventstore/db-client/generated/gossip_pb.js';
import serverFeatures from '@eventstore/db-client/generated/serverfeatures_pb.js';
import type { SupportedMethods } from '@eventstore/db-client/generated/serverfeatures_pb.js';
import shared from '@eventstore/db-client/generated/shared_pb.js';

const STREAMS_SERVICE = 'event_store.client.streams.streams';

const METHODS: Readonly<Record<string, readonly string[]>> = {
  read: ['position', 'events'],
  append: [],
  batchappend: ['deadline_duration'],
  delete: [],
  tombstone: [],
};

/** What the server can do, as clients ask before they choose between append and batch append. */
export function supportedMethods(): SupportedMethods {
  const answer = new serverFeatures.SupportedMethods();
  answer.setEventStoreServerVersion('24.10.0');
  for (const [name, features] of Object.entries(METHODS)) {
    const method = new serverFeatures.SupportedMethod();
    method.setServiceName(STREAMS_SERVICE);
    method.setMethodName(name);
    method.setFeaturesList([...features]);
    answer.addMethods(method);
  }
  return answer;
}

/** A cluster of one node, which leads it: for `esdb+discover://` and lists of hosts. */
export function clusterOfOne(port: number): ClusterInfo {
  const endPoint = new gossip.EndPoint();
  endPoint.setAddress('127.0.0.1');
  endPoint.setPort(port);
  const id = new shared.UUID();
  id.setString(randomUUID());
  const member = new gossip.MemberInfo();
  member.setInstanceId(id);
  member.setState(gossip.MemberInfo.VNodeState.LEADER);
  member.setIsAlive(true);
  member.setHttpEndPoint(endPoint);
  const answer = new gossip.ClusterInfo();
  answer.setMembersList([member]);
  return answer;
}
