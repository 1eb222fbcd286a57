BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0002');
CREATE TABLE alias_moves (
	id INTEGER NOT NULL, 
	alias VARCHAR(50) NOT NULL, 
	model_version VARCHAR(100) NOT NULL, 
	previous_id INTEGER, 
	actor VARCHAR(200) NOT NULL, 
	moved_at DATETIME NOT NULL, 
	CONSTRAINT pk_alias_moves PRIMARY KEY (id), 
	CONSTRAINT fk_alias_moves_model_version_model_versions FOREIGN KEY(model_version) REFERENCES model_versions (name), 
	CONSTRAINT fk_alias_moves_previous_id_alias_moves FOREIGN KEY(previous_id) REFERENCES alias_moves (id)
);
INSERT INTO "alias_moves" VALUES(1,'champion','constant-20261126-103355-28d6e4',NULL,'clerk','2026-11-26 10:33:55.797000');
INSERT INTO "alias_moves" VALUES(2,'champion','linear-20261126-103417-ff414b',1,'clerk','2026-11-26 10:34:17.284000');
INSERT INTO "alias_moves" VALUES(3,'champion','llm-20261126-103522-1a1e2b',2,'clerk','2026-11-26 10:35:22.853000');
INSERT INTO "alias_moves" VALUES(4,'champion','linear-20261126-103417-ff414b',1,'clerk','2026-11-26 10:36:18.608000');
CREATE TABLE classifications (
	id INTEGER NOT NULL, 
	ticket_id INTEGER NOT NULL, 
	model_version VARCHAR(100) NOT NULL, 
	round INTEGER NOT NULL, 
	unit_code VARCHAR(100) NOT NULL, 
	probability DOUBLE NOT NULL, 
	top_k JSON NOT NULL, 
	held_back VARCHAR(20), 
	degraded BOOLEAN DEFAULT 0 NOT NULL, 
	classified_at DATETIME NOT NULL, 
	CONSTRAINT pk_classifications PRIMARY KEY (id), 
	CONSTRAINT fk_classifications_model_version_model_versions FOREIGN KEY(model_version) REFERENCES model_versions (name), 
	CONSTRAINT fk_classifications_ticket_id_tickets FOREIGN KEY(ticket_id) REFERENCES tickets (id), 
	CONSTRAINT fk_classifications_unit_code_units FOREIGN KEY(unit_code) REFERENCES units (code), 
	CONSTRAINT uq_classifications_ticket_id_model_version_round UNIQUE (ticket_id, model_version, round)
);
INSERT INTO "classifications" VALUES(1,1,'constant-20261126-103355-28d6e4',0,'U004',0.193548,'[["U004", 0.193548], ["U002", 0.16129], ["U005", 0.16129], ["U010", 0.16129], ["U035", 0.16129]]','doubtful',0,'2026-11-26 10:34:04.412000');
INSERT INTO "classifications" VALUES(2,3,'constant-20261126-103355-28d6e4',0,'U004',0.193548,'[["U004", 0.193548], ["U002", 0.16129], ["U005", 0.16129], ["U010", 0.16129], ["U035", 0.16129]]','doubtful',0,'2026-11-26 10:34:04.501000');
INSERT INTO "classifications" VALUES(3,4,'constant-20261126-103355-28d6e4',0,'U004',0.193548,'[["U004", 0.193548], ["U002", 0.16129], ["U005", 0.16129], ["U010", 0.16129], ["U035", 0.16129]]','doubtful',0,'2026-11-26 10:34:04.544000');
INSERT INTO "classifications" VALUES(4,5,'linear-20261126-103417-ff414b',0,'U005',0.635925,'[["U005", 0.635925], ["U010", 0.219287], ["U004", 0.058444], ["U002", 0.057656], ["U036", 0.019419]]',NULL,0,'2026-11-26 10:34:33.563000');
INSERT INTO "classifications" VALUES(5,6,'linear-20261126-103417-ff414b',0,'U035',0.500199,'[["U035", 0.500199], ["U002", 0.340407], ["U005", 0.083543], ["U004", 0.031443], ["U010", 0.026099]]','doubtful',0,'2026-11-26 10:34:33.563000');
INSERT INTO "classifications" VALUES(6,7,'linear-20261126-103417-ff414b',0,'U010',0.950811,'[["U010", 0.950811], ["U005", 0.020427], ["U035", 0.010488], ["U004", 0.008076], ["U002", 0.007891]]',NULL,0,'2026-11-26 10:34:33.563000');
INSERT INTO "classifications" VALUES(7,8,'llm-20261126-103522-1a1e2b',0,'U035',0.48944,'[["U035", 0.48944], ["U036", 0.315432], ["U002", 0.082032], ["U010", 0.063791], ["U005", 0.046721]]','doubtful',0,'2026-11-26 10:36:03.395000');
INSERT INTO "classifications" VALUES(8,9,'llm-20261126-103522-1a1e2b',0,'U002',0.582684,'[["U002", 0.582684], ["U005", 0.183616], ["U004", 0.124473], ["U035", 0.057929], ["U036", 0.033557]]','doubtful',0,'2026-11-26 10:36:03.395000');
INSERT INTO "classifications" VALUES(9,10,'llm-20261126-103522-1a1e2b',0,'U002',0.502571,'[["U002", 0.502571], ["U005", 0.391348], ["U004", 0.043032], ["U010", 0.038915], ["U036", 0.016061]]','doubtful',0,'2026-11-26 10:36:03.395000');
CREATE TABLE corrections (
	id INTEGER NOT NULL, 
	ticket_id INTEGER NOT NULL, 
	round INTEGER NOT NULL, 
	from_unit VARCHAR(100), 
	to_unit VARCHAR(100), 
	actor VARCHAR(200) NOT NULL, 
	how VARCHAR(20) NOT NULL, 
	corrected_at DATETIME NOT NULL, 
	CONSTRAINT pk_corrections PRIMARY KEY (id), 
	CONSTRAINT fk_corrections_from_unit_units FOREIGN KEY(from_unit) REFERENCES units (code), 
	CONSTRAINT fk_corrections_ticket_id_tickets FOREIGN KEY(ticket_id) REFERENCES tickets (id), 
	CONSTRAINT fk_corrections_to_unit_units FOREIGN KEY(to_unit) REFERENCES units (code)
);
INSERT INTO "corrections" VALUES(1,3,0,'U004','U010','clerk','correct','2026-11-26 10:36:30.387000');
CREATE TABLE events (
	id INTEGER NOT NULL, 
	happened_at DATETIME NOT NULL, 
	kind VARCHAR(50) NOT NULL, 
	ticket_id INTEGER, 
	actor VARCHAR(200), 
	data JSON NOT NULL, 
	CONSTRAINT pk_events PRIMARY KEY (id), 
	CONSTRAINT fk_events_ticket_id_tickets FOREIGN KEY(ticket_id) REFERENCES tickets (id)
);
INSERT INTO "events" VALUES(1,'2026-11-26 10:33:47.538000','units.imported',NULL,'clerk','{"added": 6, "changed": 0}');
INSERT INTO "events" VALUES(2,'2026-11-26 10:33:55.801000','model.promoted',NULL,'clerk','{"before": null, "now": "constant-20261126-103355-28d6e4"}');
INSERT INTO "events" VALUES(3,'2026-11-26 10:34:04.586000','ticket.dead',2,NULL,'{"reason": "it cannot be classified: RuntimeError at tests/worker_with_test_models.py:63 in before"}');
INSERT INTO "events" VALUES(4,'2026-11-26 10:34:17.285000','model.promoted',NULL,'clerk','{"before": "constant-20261126-103355-28d6e4", "now": "linear-20261126-103417-ff414b"}');
INSERT INTO "events" VALUES(5,'2026-11-26 10:35:22.854000','model.promoted',NULL,'clerk','{"before": "linear-20261126-103417-ff414b", "now": "llm-20261126-103522-1a1e2b"}');
INSERT INTO "events" VALUES(6,'2026-11-26 10:36:18.610000','model.rolled_back',NULL,'clerk','{"before": "llm-20261126-103522-1a1e2b", "now": "linear-20261126-103417-ff414b"}');
INSERT INTO "events" VALUES(7,'2026-11-26 10:36:33.853000','units.imported',NULL,'clerk','{"added": 1, "changed": 2}');
INSERT INTO "events" VALUES(8,'2026-11-26 10:36:37.525000','ticket.erased',7,'clerk','{}');
CREATE TABLE model_versions (
	name VARCHAR(100) NOT NULL, 
	kind VARCHAR(20) NOT NULL, 
	manifest_sha256 VARCHAR(64) NOT NULL, 
	metrics JSON NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_model_versions PRIMARY KEY (name)
);
INSERT INTO "model_versions" VALUES('constant-20261126-103355-28d6e4','constant','d552c496d7af2b93ffdf821638207fb3f33f6b2b2301a4896841e9af34ce4473','{"accuracy": 0.193548}','2026-11-26 10:33:55.785000');
INSERT INTO "model_versions" VALUES('linear-20261126-103417-ff414b','linear','d3388081001b20571e47b294e842f1c94c2fc65bc563fb9ecedb9eb7c3eb57c1','{"accuracy": 0.6774193548387096, "macro_f1": 0.6854256854256855, "majority_share": 0.1935483870967742}','2026-11-26 10:34:17.265000');
INSERT INTO "model_versions" VALUES('llm-20261126-103522-1a1e2b','llm','e2a20ea87ce79f9c992a66e24f91df06c758b5f57c6c8158784550c4d15d5328','{"accuracy": 0.2857142857142857, "macro_f1": 0.27777777777777773, "loss": 2.0387003932680403, "seconds": 8.274}','2026-11-26 10:35:22.833000');
CREATE TABLE tickets (
	id INTEGER NOT NULL, 
	source VARCHAR(100) NOT NULL, 
	external_id VARCHAR(200) NOT NULL, 
	title TEXT, 
	text TEXT NOT NULL, 
	received_at DATETIME, 
	submitted_at DATETIME NOT NULL, 
	lane VARCHAR(10) NOT NULL, 
	priority INTEGER NOT NULL, 
	due_at DATETIME NOT NULL, 
	district VARCHAR(200), 
	meta JSON NOT NULL, 
	given_unit VARCHAR(200), 
	estimated_tokens INTEGER NOT NULL, 
	round INTEGER NOT NULL, 
	status VARCHAR(10) NOT NULL, 
	unit_code VARCHAR(100), 
	decided_at DATETIME, 
	dead_reason TEXT, 
	queued_at DATETIME NOT NULL, 
	attempts INTEGER NOT NULL, 
	solo BOOLEAN DEFAULT 0 NOT NULL, 
	claim_token VARCHAR(32), 
	claimed_by VARCHAR(200), 
	claimed_until DATETIME, erased_at DATETIME, 
	CONSTRAINT pk_tickets PRIMARY KEY (id), 
	CONSTRAINT ck_tickets_lane CHECK (lane IN ('live', 'bulk')), 
	CONSTRAINT ck_tickets_status CHECK (status IN ('queued', 'routed', 'review', 'dead')), 
	CONSTRAINT ck_tickets_priority CHECK (priority BETWEEN 1 AND 5), 
	CONSTRAINT fk_tickets_unit_code_units FOREIGN KEY(unit_code) REFERENCES units (code), 
	CONSTRAINT uq_tickets_source_external_id UNIQUE (source, external_id)
);
INSERT INTO "tickets" VALUES(1,'hotline','SYN-00000103','市民投诉','尊敬的领导：您好！百合路160号安澜菜市场旁边每天早上就有烧烤摊摆在路边，把路都堵了，城管一走又回来。','2025-01-06 02:46:45.000000','2026-11-26 10:33:59.823000','bulk',3,'9999-12-31 00:00:00.000000','临港新区','{}','市城市管理局',41,0,'review',NULL,NULL,NULL,'2026-11-26 10:34:04.354000',2,1,NULL,NULL,NULL,NULL);
INSERT INTO "tickets" VALUES(2,'hotline','SYN-00005165','市民咨询','临港新区槐花站附近的路灯全部灭了，希望派人检修一下。类似的还有，门口那条街的路灯坏了。希望早点有个结果。','2025-01-11 19:11:33.000000','2026-11-26 10:33:59.823000','bulk',3,'9999-12-31 00:00:00.000000','临港新区','{}','市城市管理局',43,0,'dead',NULL,NULL,'3 attempts: it cannot be classified: RuntimeError at tests/worker_with_test_models.py:63 in before','2026-11-26 10:34:04.584000',3,1,NULL,NULL,NULL,NULL);
INSERT INTO "tickets" VALUES(3,'hotline','SYN-00000574','市民投诉','沙岭县白土镇竹影路144号，澜州市第9小学五年级早上六点五十到校，作业太多，是不是违反规定。希望管一管。','2025-01-06 15:28:56.000000','2026-11-26 10:33:59.823000','bulk',3,'9999-12-31 00:00:00.000000','沙岭县','{}','市教育局',42,0,'routed','U010','2026-11-26 10:36:30.400000',NULL,'2026-11-26 10:34:04.354000',2,1,NULL,NULL,NULL,NULL);
INSERT INTO "tickets" VALUES(4,'hotline','SYN-00000257','万和公馆交通违法申诉','云山县云山镇桃源路114号，被电子眼误拍了，想申诉扣分！谁负责谁出来讲！','2025-01-06 06:55:43.000000','2026-11-26 10:33:59.823000','bulk',3,'9999-12-31 00:00:00.000000','云山县','{}','市交警支队',35,0,'review',NULL,NULL,NULL,'2026-11-26 10:34:04.354000',2,1,NULL,NULL,NULL,NULL);
INSERT INTO "tickets" VALUES(5,'hotline','SYN-00000196','物业服务差','朝晖街道学苑路274号和顺华庭，我们小区想成立业委会，物业不配合，想了解需要什么手续！','2025-01-06 05:18:15.000000','2026-11-26 10:34:22.650000','bulk',3,'9999-12-31 00:00:00.000000','东城区','{}','市住房和城乡建设局',36,0,'routed','U005','2026-11-26 10:34:33.580000',NULL,'2026-11-26 10:34:22.650000',1,0,NULL,NULL,NULL,NULL);
INSERT INTO "tickets" VALUES(6,'hotline','SYN-00001436','反映云山县电线杆电线隐患问题','云山县竹园乡春晓里14栋1单元，竹园乡高垅村有高压线掉在田里，从去年入冬反映到现在只拉了警戒线。希望管一管。','2025-01-07 14:41:44.000000','2026-11-26 10:34:22.650000','bulk',3,'9999-12-31 00:00:00.000000','云山县','{}','市供电公司',50,0,'review',NULL,NULL,NULL,'2026-11-26 10:34:22.650000',1,0,NULL,NULL,NULL,NULL);
INSERT INTO "tickets" VALUES(7,'hotline','SYN-00000662',NULL,'','2025-01-06 17:50:36.000000','2026-11-26 10:34:22.650000','bulk',3,'9999-12-31 00:00:00.000000',NULL,'{}',NULL,51,0,'routed','U010','2026-11-26 10:34:33.580000',NULL,'2026-11-26 10:34:22.650000',1,0,NULL,NULL,NULL,'2026-11-26 10:36:37.490000');
INSERT INTO "tickets" VALUES(8,'hotline','SYN-00000292','澄河县大柳镇一诉求','大柳镇书香北路82号银河家园，这个月水费4540元，平时才三四十，查过不漏水，怀疑抄表抄错。请转相关单位办理。','2025-01-06 07:53:25.000000','2026-11-26 10:35:31.309000','bulk',3,'9999-12-31 00:00:00.000000','澄河县','{}','市自来水公司',46,0,'review',NULL,NULL,NULL,'2026-11-26 10:35:31.309000',1,0,NULL,NULL,NULL,NULL);
INSERT INTO "tickets" VALUES(9,'hotline','SYN-00000260','反映望湖区路灯不亮问题','湖滨街道马鞍路370号棉纺厂家园，门口那条街的路灯不亮了。根据相关规定，上述行为应当予以纠正。','2025-01-06 07:00:54.000000','2026-11-26 10:35:31.309000','bulk',3,'9999-12-31 00:00:00.000000','望湖区','{}','市城市管理局',43,0,'review',NULL,NULL,NULL,'2026-11-26 10:35:31.309000',1,0,NULL,NULL,NULL,NULL);
INSERT INTO "tickets" VALUES(10,'hotline','SYN-00000370','交通事故处理','西城区西塘街道澜庭新村18栋6单元，对方酒驾撞了我家老人，住院花了3万元，事故科没有进展！要求严肃处理！','2025-01-06 09:59:21.000000','2026-11-26 10:35:31.309000','bulk',3,'9999-12-31 00:00:00.000000','西城区','{}','市交警支队',43,0,'review',NULL,NULL,NULL,'2026-11-26 10:35:31.309000',1,0,NULL,NULL,NULL,NULL);
INSERT INTO "tickets" VALUES(11,'hotline','SYN-00000206','澄河县居民来电反映问题','澄河县石桥镇农机厂家园18栋5单元，农机厂家园的物业把业主共有的车位租给了外面的人，业主没地方停车，最近半个月就开始了！','2025-01-06 05:34:04.000000','2026-11-26 10:36:22.998000','bulk',3,'9999-12-31 00:00:00.000000','澄河县','{}','市住房和城乡建设局',52,0,'queued',NULL,NULL,NULL,'2026-11-26 10:36:22.998000',0,0,NULL,NULL,NULL,NULL);
INSERT INTO "tickets" VALUES(12,'hotline','SYN-00001767','康乐华庭业主求助','西城区临溪街394号，房子租给别人欠了五千多块钱电费，现在拉了黑名单，怎么处理。不知道是不是市发展和改革委员会管。','2025-01-07 23:37:49.000000','2026-11-26 10:36:22.998000','bulk',3,'9999-12-31 00:00:00.000000','西城区','{}','市供电公司',48,0,'queued',NULL,NULL,NULL,'2026-11-26 10:36:22.998000',0,0,NULL,NULL,NULL,NULL);
CREATE TABLE units (
	code VARCHAR(100) NOT NULL, 
	name VARCHAR(200) NOT NULL, 
	responsibilities TEXT NOT NULL, 
	parent_code VARCHAR(100), 
	status VARCHAR(10) NOT NULL, 
	merged_into VARCHAR(100), 
	taxonomy_version INTEGER NOT NULL, 
	CONSTRAINT pk_units PRIMARY KEY (code), 
	CONSTRAINT ck_units_status CHECK (status IN ('active', 'retired', 'merged')), 
	CONSTRAINT fk_units_merged_into_units FOREIGN KEY(merged_into) REFERENCES units (code), 
	CONSTRAINT fk_units_parent_code_units FOREIGN KEY(parent_code) REFERENCES units (code), 
	CONSTRAINT uq_units_name UNIQUE (name)
);
INSERT INTO "units" VALUES('U002','市交警支队','管理机动车道上的行车和停车秩序、信号灯与标线，查处飙车炸街，办理事故认定、违章处理和驾驶证业务。',NULL,'active',NULL,1);
INSERT INTO "units" VALUES('U004','市城市管理局','整治人行道停车、占道经营、违章搭建、户外广告、渣土车和流动喇叭，养护市政路灯、井盖与城区道路。',NULL,'active',NULL,1);
INSERT INTO "units" VALUES('U005','市住房和城乡建设局','监管房屋质量、商品房预售、物业服务和小区内停车，督促工地安全生产与文明施工，办理保障房与维修资金。',NULL,'active',NULL,1);
INSERT INTO "units" VALUES('U010','市教育局','管理中小学和幼儿园的招生、收费、师德与校园安全，审批并监管学科类校外培训机构。',NULL,'active',NULL,1);
INSERT INTO "units" VALUES('U035','市水电公司','负责供电设施抢修、电表、电费、报装和停电通知，处理电压不稳与电杆电线隐患。',NULL,'active',NULL,2);
INSERT INTO "units" VALUES('U036','市自来水公司','负责自来水管网抢修、水表、水费和供水报装，处理停水、水压不足和管道水浑浊。',NULL,'merged','U035',2);
INSERT INTO "units" VALUES('U021','市园林绿化局','管理城市公园、行道树和公共绿地，处理树木修剪、倒伏、毁绿和绿化养护问题。',NULL,'active',NULL,2);
CREATE TABLE workers (
	name VARCHAR(200) NOT NULL, 
	pid INTEGER NOT NULL, 
	device VARCHAR(200) NOT NULL, 
	model_version VARCHAR(100), 
	classified INTEGER NOT NULL, 
	started_at DATETIME NOT NULL, 
	heartbeat_at DATETIME NOT NULL, 
	progress_at DATETIME, 
	stopped_at DATETIME, stalled_s DOUBLE DEFAULT 0 NOT NULL, dropped INTEGER DEFAULT 0 NOT NULL, 
	CONSTRAINT pk_workers PRIMARY KEY (name)
);
INSERT INTO "workers" VALUES('worker-1',9069,'cpu','llm-20261126-103522-1a1e2b',3,'2026-11-26 10:35:36.069000','2026-11-26 10:36:04.434000','2026-11-26 10:36:03.405000','2026-11-26 10:36:04.643000',0.0,0);
CREATE INDEX ix_alias_moves_alias ON alias_moves (alias, id);
CREATE INDEX ix_classifications_classified_at ON classifications (classified_at);
CREATE INDEX ix_corrections_ticket_id ON corrections (ticket_id, id);
CREATE INDEX ix_events_kind ON events (kind, id);
CREATE TRIGGER corrections_no_update BEFORE UPDATE ON corrections
        BEGIN SELECT RAISE(ABORT, 'corrections are append-only'); END;
CREATE TRIGGER corrections_no_delete BEFORE DELETE ON corrections
        BEGIN SELECT RAISE(ABORT, 'corrections are append-only'); END;
CREATE INDEX ix_tickets_claimable ON tickets (lane, solo, priority, due_at, id, queued_at) WHERE status = 'queued' AND claim_token IS NULL;
CREATE INDEX ix_tickets_lone ON tickets (lane, attempts, id) WHERE status = 'queued' AND claim_token IS NULL AND solo;
CREATE INDEX ix_tickets_claimed ON tickets (claim_token, claimed_by, claimed_until) WHERE claim_token IS NOT NULL;
CREATE INDEX ix_tickets_closed ON tickets (status, lane) WHERE status <> 'queued';
COMMIT;
